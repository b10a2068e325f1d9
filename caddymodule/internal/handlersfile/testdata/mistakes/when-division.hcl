handler "archive" {
  plugin = "jsonl"
  when = event.received_at / 2 > 1
  config {
    path = "/var/lib/archive"
  }
}
