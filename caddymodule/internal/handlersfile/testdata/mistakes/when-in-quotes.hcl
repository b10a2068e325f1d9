handler "archive" {
  plugin = "jsonl"
  when = "event.type == \"VEHICLE_STATE\""
  config {
    path = "/var/lib/archive"
  }
}
