handler "archive" {
  plugin      = "jsonl"
  concurrency = "many"

  config {
    path = "/var/lib/smartcar/events.jsonl"
    sink = true
  }
}

handler "second" {
  plugin = "./no-such-file"
  when   = event.typ == "VEHICLE_STATE"
}
