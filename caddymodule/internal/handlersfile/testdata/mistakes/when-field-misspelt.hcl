handler "archive" {
  plugin = "jsonl"
  when = event.tpye == "VEHICLE_STATE"
  config {
    path = "/var/lib/archive"
  }
}
