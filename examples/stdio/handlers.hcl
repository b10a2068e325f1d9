handler "low_battery" {
  plugin      = "stdio"
  when        = event.type == "VEHICLE_STATE"
  concurrency = 2

  config {
    command  = ["python3", "handler.py"]
    settings = { limit = 30 }
  }
}

handler "errors" {
  plugin = "stdio"

  config {
    command = ["node", "handler.mjs"]
  }
}
