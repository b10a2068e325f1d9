handler "archive" {
  plugin = "jsonl"
  retry = { max_attempts = 3 }
  config {
    path = "/var/lib/archive"
  }
}
