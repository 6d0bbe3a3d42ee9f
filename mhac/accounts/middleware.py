def response_headers(get_response):
    """Pages about people are never kept by a browser or a proxy; no page may use camera, place or microphone."""

    def respond(request):
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    return respond
