from django.urls import path

from mhac.appointments import views

app_name = "appointments"
urlpatterns = [
    path("opening/", views.opening, name="opening"),
    path("opening/times/", views.set_timetable, name="set_timetable"),
    path("opening/close/", views.close, name="close"),
    path("opening/hours/", views.set_hours, name="set_hours"),
    path("opening/hours/<uuid:hours>/end/", views.end_hours, name="end_hours"),
    path("opening/holiday/", views.expect_holiday, name="expect_holiday"),
    path("opening/holiday/<uuid:holiday>/", views.decide_holiday, name="decide_holiday"),
    path("opening/<uuid:closure>/open/", views.open_again, name="open_again"),
    path("roster/", views.rosters, name="rosters"),
    path("roster/days/", views.change_days, name="change_days"),
    path("roster/days/<uuid:change>/take-back/", views.take_back_change, name="take_back_change"),
    path("roster/stations/", views.workplace, name="new_workplace"),
    path("roster/stations/<uuid:workplace>/", views.workplace, name="workplace"),
    path("roster/staff/", views.staff_line, name="new_staff_line"),
    path("roster/staff/<uuid:staff>/", views.staff_line, name="staff_line"),
    path("roster/staff/<uuid:staff>/week/", views.staff_week, name="staff_week"),
    path("waiting/", views.waiting, name="waiting"),
    path("waiting/<uuid:place>/answer/", views.answer, name="answer"),
    path("waiting/<uuid:place>/stop/", views.stop_waiting, name="stop_waiting"),
    path("reminders/", views.reminders, name="reminders"),
    path("reminders/<uuid:reminder>/", views.settle, name="settle"),
    path("book/<uuid:case>/", views.book, name="book"),
    path("book/<uuid:case>/needs/", views.wishes, name="wishes"),
    path("book/<uuid:case>/wait/", views.wait, name="wait"),
    path("companions/<uuid:companion>/remove/", views.remove_companion, name="remove_companion"),
    path("<uuid:booking>/move/", views.reschedule, name="reschedule"),
    path("<uuid:booking>/cancel/", views.cancel, name="cancel"),
    path("<uuid:booking>/arrived/", views.arrive, name="arrive"),
    path("<uuid:booking>/arrived-together/", views.arrive_together, name="arrive_together"),
    path("<uuid:booking>/not-arrived/", views.take_back_arrival, name="take_back_arrival"),
    path("<uuid:booking>/did-not-come/", views.no_show, name="no_show"),
]
