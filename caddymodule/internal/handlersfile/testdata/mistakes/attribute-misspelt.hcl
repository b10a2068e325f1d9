handler "archive" {
  plugin = "jsonl"
  concurency = 4
  config {
    path = "/var/lib/archive"
  }
}
