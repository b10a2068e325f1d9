handler "archive" {
  plugin = "jsonl"
  when = event.type == "VEHICLE_STATE" && event.vehicle.mkae == "TESLA"
  config {
    path = "/var/lib/archive"
  }
}
