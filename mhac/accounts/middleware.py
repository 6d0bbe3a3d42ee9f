def response_headers(get_response):
    """Pages about people are never kept by a browser or a proxy; only our own pages may use the
    camera (for faces), none place or microphone."""

    def respond(request):
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(), microphone=()")
        return response

    return respond
