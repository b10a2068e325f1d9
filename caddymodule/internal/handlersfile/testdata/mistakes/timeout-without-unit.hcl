handler "archive" {
  plugin = "jsonl"
  timeout = "10"
  config {
    path = "/var/lib/archive"
  }
}
