from django.urls import path

from mhac.certificates import views

app_name = "certificates"
urlpatterns = [
    path("", views.documents, name="list"),
    path("verify/", views.verify, name="verify"),
    path("keys.json", views.public_keys, name="keys"),
    path("issue/<uuid:screening>/", views.issue, name="issue"),
    path("<uuid:certificate>/", views.document, name="document"),
    path("<uuid:certificate>/pdf/", views.pdf, name="pdf"),
    path("<uuid:certificate>/revoke/", views.revoke, name="revoke"),
]
