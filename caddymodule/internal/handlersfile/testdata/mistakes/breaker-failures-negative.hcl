handler "archive" {
  plugin = "jsonl"
  breaker {
    failures = -1
  }
  config {
    path = "/var/lib/archive"
  }
}
