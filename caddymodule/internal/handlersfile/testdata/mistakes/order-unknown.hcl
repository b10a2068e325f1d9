handler "archive" {
  plugin = "jsonl"
  order = "random"
  config {
    path = "/var/lib/archive"
  }
}
