from django.urls import path

from mhac.payments import tariffs, views

app_name = "payments"
urlpatterns = [
    path("", views.day, name="cash"),
    path("sheet/", views.sheet, name="sheet"),
    path("cases/<uuid:pk>/", views.pay, name="pay"),
    path("receipts/<uuid:pk>/", views.receipt, name="receipt"),
    path("receipts/<uuid:pk>/slip/", views.receipt_slip, name="slip"),
    path("receipts/<uuid:pk>/void/", views.void, name="void"),
    path("waivers/<uuid:pk>/ask/", views.waive, name="waive"),
    path("waivers/<uuid:pk>/", views.decide_waiver, name="decide_waiver"),
    path("voids/<uuid:pk>/", views.decide_void, name="decide_void"),
    path("prices/", tariffs.tariffs, name="tariffs"),
    path("prices/<slug:key>/", tariffs.tariff, name="tariff"),
    path("prices/<slug:key>/add/", tariffs.add_tariff, name="add_tariff"),
]
