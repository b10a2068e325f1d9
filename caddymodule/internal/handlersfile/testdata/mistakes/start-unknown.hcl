handler "archive" {
  plugin = "jsonl"
  start = "yesterday"
  config {
    path = "/var/lib/archive"
  }
}
