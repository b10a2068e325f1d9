handler "archive" {
  plugin = "jsonl"
  concurrency = 2000
  config {
    path = "/var/lib/archive"
  }
}
