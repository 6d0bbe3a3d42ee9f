from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.accounts.models import User
from mhac.accounts.roles import ROLES

EMPTY_ROWS = 2


class OwnPassword:
    """For a form with a field `password` and its `request`: it asks who sits there for her own password again."""

    def clean_password(self):
        user, typed = self.request.user, self.cleaned_data["password"]
        if not ratelimit.consume(self.request, action="reauthenticate", user=user):
            raise ValidationError(_("Too many wrong passwords. Wait a minute, then try once more."))
        if not user.check_password(typed):
            raise ValidationError(_("This is not your password. Nothing was changed; type it again."))
        ratelimit.clear(self.request, action="reauthenticate", user=user)
        return typed


class OwnPasswordForm(OwnPassword, forms.Form):
    """Only the password again, before something that one person must answer for."""

    password = forms.CharField(
        label=gettext_lazy("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request


class GrantForm(forms.Form):
    """One role at one site."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=[("", "–"), *ROLES.items()])
    site = forms.ModelChoiceField(
        queryset=None, label=gettext_lazy("Site"), required=False, empty_label=gettext_lazy("the whole network")
    )

    def __init__(self, *args, sites, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites


class GrantRows(forms.BaseFormSet):
    """The roles of one user and two empty rows; a row that was emptied is taken away."""

    def __init__(self, data=None, *, rows, **kwargs):
        super().__init__(data, initial=None if data is not None else rows, **kwargs)
        self.extra = len(rows) + EMPTY_ROWS

    def initial_form_count(self):
        return 0

    @property
    def grants(self):
        return [(form.cleaned_data["role"], form.cleaned_data["site"]) for form in self if form.cleaned_data]


Grants = forms.formset_factory(GrantForm, formset=GrantRows, max_num=30)


class UserForm(OwnPassword, forms.ModelForm):
    """A user, the roles, and the administrator's own password: roles are given by a person, not by an open browser."""

    password = forms.CharField(
        label=gettext_lazy("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=gettext_lazy("To confirm that it is you who gives these roles."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = User
        fields = ["username", "full_name", "licence", "language", "is_active"]
        labels = {"username": gettext_lazy("User name"), "is_active": gettext_lazy("The account is open")}
        help_texts = {
            "username": gettext_lazy("Letters and digits; it is typed at every sign-in."),
            "licence": gettext_lazy("Of physicians and film readers; without it no reading is signed."),
            "is_active": gettext_lazy("A closed account is shut out at its next click; nothing it did is lost."),
        }

    def __init__(self, data=None, *, request, instance=None):
        super().__init__(data, instance=instance)
        self.request = request
        user = request.user
        self.fields["full_name"].widget.attrs["dir"] = "auto"
        if instance is None:
            del self.fields["is_active"]
        else:
            self.fields["username"].disabled = True
        held = instance.grants.select_related("group") if instance else []
        rows = [{"role": grant.group.name, "site": grant.clinic_id} for grant in held]
        sites = user.sites("accounts.change_user")
        self.grants = Grants(data, prefix="grants", rows=rows, form_kwargs={"sites": sites})

    def clean(self):
        if not self.grants.is_valid():
            raise ValidationError(_("A row with a role is not complete. See below."))
        return super().clean()

    def changes(self):
        """What the services take."""
        fields = [name for name in self.Meta.fields if name in self.fields and not self.fields[name].disabled]
        return {name: self.cleaned_data[name] for name in fields} | {"grants": self.grants.grants}


class AccessFilter(forms.Form):
    """Which rows of the log to show; what does not make sense shows everything."""

    user = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=150)
    label = forms.CharField(label=gettext_lazy("Kind of record"), required=False, max_length=80)
    key = forms.CharField(label=gettext_lazy("Key of the record"), required=False, max_length=64)
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def chosen(self, rows):
        """`rows` of Access as asked for, the newest first."""
        asked = self.cleaned_data if self.is_valid() else {}
        if asked.get("user"):
            rows = rows.filter(user__username__iexact=asked["user"].strip())
        if asked.get("label"):
            rows = rows.filter(label=asked["label"].strip().lower())
        if asked.get("key"):
            rows = rows.filter(key=asked["key"].strip())
        return rows.after(asked.get("before")).order_by("-id")
