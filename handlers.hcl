# Who gets the events: see caddymodule/docs/handlers-file.md.

handler "archive" {
  plugin = "jsonl"

  config {
    path = "events.jsonl"
  }
}
