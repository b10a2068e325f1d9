handler "archive" {
  plugin = "jsonl"
  concurrency = null
  config {
    path = "/var/lib/archive"
  }
}
