handler "archive" {
  plugin = "jsonl"
  colour = "blue"
  config {
    path = "/var/lib/archive"
  }
}
