from django.urls import path

from mhac.decisions import views

app_name = "decisions"
urlpatterns = [
    path("<uuid:pk>/", views.show_ledger, name="ledger"),
    path("<uuid:pk>/order/", views.order, name="order"),
    path("<uuid:pk>/judge/", views.judge, name="judge"),
    path("<uuid:pk>/sign/", views.sign, name="sign"),
    path("<uuid:pk>/edition/", views.edition, name="edition"),
    path("<uuid:pk>/edition/choose/", views.choose_edition, name="choose_edition"),
    path("judgements/<uuid:pk>/take-back/", views.take_back, name="take_back"),
    path("signatures/<uuid:pk>/withdraw/", views.withdraw, name="withdraw"),
]
