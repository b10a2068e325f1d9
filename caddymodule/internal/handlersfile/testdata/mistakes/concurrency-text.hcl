handler "archive" {
  plugin = "jsonl"
  concurrency = "16"
  config {
    path = "/var/lib/archive"
  }
}
