handler "archive" {
  plugin = "jsonl"
  when = event.type
  config {
    path = "/var/lib/archive"
  }
}
