handler "archive" {
  plugin = "jsonl"
  when = event.type == "VEHICLE_STAT"
  config {
    path = "/var/lib/archive"
  }
}
