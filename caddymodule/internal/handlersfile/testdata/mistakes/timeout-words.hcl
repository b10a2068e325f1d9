handler "archive" {
  plugin = "jsonl"
  timeout = "ten seconds"
  config {
    path = "/var/lib/archive"
  }
}
