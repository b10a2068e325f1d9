handler "archive" {
  plugin = "jsonl"
  order = vehicle
  config {
    path = "/var/lib/archive"
  }
}
