handler "archive" {
  plugin = "jsonl"
  retry {
    max_attempts = 3
  }
  retry {
    min_delay = "2s"
  }
  config {
    path = "/var/lib/archive"
  }
}
