handler "archive" {
  plugin = "jsonl"
  when = containz(["LIVE"], event.mode)
  config {
    path = "/var/lib/archive"
  }
}
