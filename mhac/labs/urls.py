from django.urls import path

from mhac.labs import views

app_name = "labs"
urlpatterns = [
    path("", views.bench, name="bench"),
    path("receive/", views.receive, name="receive"),
    path("collect/<uuid:screening>/", views.collect, name="collect"),
    path("labels/<uuid:screening>/", views.labels, name="labels"),
    path("specimen/<uuid:specimen>/", views.specimen, name="specimen"),
    path("specimen/<uuid:specimen>/label/", views.label, name="label"),
    path("specimen/<uuid:specimen>/reject/", views.reject, name="reject"),
    path("enter/<uuid:order>/", views.enter, name="enter"),
    path("verify/", views.to_verify, name="to_verify"),
    path("verify/<uuid:result>/", views.verify, name="verify"),
    path("result/<uuid:result>/reject/", views.reject_result, name="reject_result"),
    path("result/<uuid:result>/correct/", views.correct, name="correct"),
]
