"""Publish the live events of trading sessions to browsers, through a WebSocket Gateway.

from websocket_gateway import websocket_manager, create_candle_event

await websocket_manager.broadcast_to_session(session_id, create_candle_event(candle, indicators))
"""

from .errors import GatewayError, GatewayUnavailable
from .events import (
    Event,
    EventType,
    create_ai_decision_event,
    create_ai_thinking_event,
    create_auto_stop_triggered_event,
    create_candle_event,
    create_countdown_update_event,
    create_error_event,
    create_heartbeat_event,
    create_indicator_readiness_event,
    create_position_closed_event,
    create_position_opened_event,
    create_position_updated_event,
    create_price_update_event,
    create_session_completed_event,
    create_session_initialized_event,
    create_session_paused_event,
    create_session_resumed_event,
    create_stats_update_event,
)
from .link import Command, CommandFailed, EngineLink, UnknownCommand
from .manager import WebSocketManager, websocket_manager
from .receipt import Receipt

__version__ = "0.1.0"

__all__ = [
    "Command",
    "CommandFailed",
    "EngineLink",
    "Event",
    "EventType",
    "GatewayError",
    "GatewayUnavailable",
    "Receipt",
    "UnknownCommand",
    "WebSocketManager",
    "create_ai_decision_event",
    "create_ai_thinking_event",
    "create_auto_stop_triggered_event",
    "create_candle_event",
    "create_countdown_update_event",
    "create_error_event",
    "create_heartbeat_event",
    "create_indicator_readiness_event",
    "create_position_closed_event",
    "create_position_opened_event",
    "create_position_updated_event",
    "create_price_update_event",
    "create_session_completed_event",
    "create_session_initialized_event",
    "create_session_paused_event",
    "create_session_resumed_event",
    "create_stats_update_event",
    "websocket_manager",
]
