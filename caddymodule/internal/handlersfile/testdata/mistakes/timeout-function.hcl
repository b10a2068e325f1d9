handler "archive" {
  plugin = "jsonl"
  timeout = lower("10S")
  config {
    path = "/var/lib/archive"
  }
}
