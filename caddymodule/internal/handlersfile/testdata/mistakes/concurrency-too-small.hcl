handler "archive" {
  plugin = "jsonl"
  concurrency = 0
  config {
    path = "/var/lib/archive"
  }
}
