handler "archive" {
  plugin = "jsonl"
  breaker {
    cooldown = "8d"
  }
  config {
    path = "/var/lib/archive"
  }
}
