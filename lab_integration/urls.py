from django.urls import path

from lab_integration import views

app_name = "lab_integration"
urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("messages/<uuid:pk>/", views.message, name="message"),
    path("messages/<uuid:pk>/replay/", views.replay, name="replay"),
    path("messages/<uuid:pk>/dismiss/", views.dismiss, name="dismiss"),
    path("lines/<uuid:pk>/choose/", views.choose, name="choose"),
    path("lines/<uuid:pk>/match/", views.match, name="match"),
    path("analyzers/", views.analyzers, name="analyzers"),
    path("analyzers/new/", views.analyzer, name="new_analyzer"),
    path("analyzers/<uuid:pk>/", views.analyzer, name="analyzer"),
]
