handler "archive" {
  plugin = "jsonl"
  when = matches("^(a", event.source)
  config {
    path = "/var/lib/archive"
  }
}
