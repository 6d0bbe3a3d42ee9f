app_name = "screenings"
urlpatterns = []
