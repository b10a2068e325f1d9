handler "archive" {
  plugin = "jsonl"
  retry {
    max_attempts = 0
  }
  config {
    path = "/var/lib/archive"
  }
}
