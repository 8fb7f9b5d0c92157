from typing import Any
def choice_from_form(form_data: Any) -> Any: return {}
def render_form(offers: Any, last: Any) -> str: return "x"
def render_without_service(error: Any) -> str: return "x"
