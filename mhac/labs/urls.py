from django.urls import path

from mhac.labs.views import results, specimens

app_name = "labs"
urlpatterns = [
    path("", specimens.bench, name="bench"),
    path("receive/", specimens.receive, name="receive"),
    path("collect/<uuid:screening>/", specimens.collect, name="collect"),
    path("labels/<uuid:screening>/", specimens.labels, name="labels"),
    path("specimen/<uuid:specimen>/", specimens.specimen, name="specimen"),
    path("specimen/<uuid:specimen>/label/", specimens.label, name="label"),
    path("specimen/<uuid:specimen>/reject/", specimens.reject, name="reject"),
    path("specimen/<uuid:specimen>/add/", specimens.add_test, name="add_test"),
    path("enter/<uuid:order>/", results.enter, name="enter"),
    path("verify/", results.to_verify, name="to_verify"),
    path("verify/<uuid:result>/", results.verify, name="verify"),
    path("result/<uuid:result>/reject/", results.reject_result, name="reject_result"),
    path("result/<uuid:result>/correct/", results.correct, name="correct"),
]
