app_name = "lab_integration"
urlpatterns = []
