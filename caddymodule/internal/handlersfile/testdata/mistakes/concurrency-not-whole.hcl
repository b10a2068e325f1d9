handler "archive" {
  plugin = "jsonl"
  concurrency = 1.5
  config {
    path = "/var/lib/archive"
  }
}
