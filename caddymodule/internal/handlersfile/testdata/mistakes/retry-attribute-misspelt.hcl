handler "archive" {
  plugin = "jsonl"
  retry {
    max_attemps = 3
  }
  config {
    path = "/var/lib/archive"
  }
}
