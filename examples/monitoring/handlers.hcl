# Writes each event as a line of JSON; put your own handlers in its place.
handler "archive" {
  plugin = "jsonl"

  config {
    path = "events.jsonl"
  }
}
