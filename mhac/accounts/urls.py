from django.urls import path

from mhac.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.users, name="users"),
    path("new/", views.add_user, name="add_user"),
    path("<uuid:pk>/", views.change_user, name="change_user"),
    path("<uuid:pk>/new-password/", views.new_password, name="new_password"),
    path("password/", views.password, name="password"),
    path("draft/", views.draft, name="draft"),
    path("accesses/", views.accesses, name="accesses"),
]
