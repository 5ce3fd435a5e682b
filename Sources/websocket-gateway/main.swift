print("websocket-gateway")
