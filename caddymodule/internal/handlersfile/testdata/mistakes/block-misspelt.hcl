handler "archive" {
  plugin = "jsonl"
  retri {
  }
  config {
    path = "/var/lib/archive"
  }
}
