handler "archive" {
  plugin = "jsonl"
  start = now
  config {
    path = "/var/lib/archive"
  }
}
