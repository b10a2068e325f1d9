handler "archive" {
  plugin = "jsonl"

  config {
    path = "/var/lib/smartcar/archive.jsonl"
  }
}
