"""Quality control: the assays of today, lots and targets, one level and its chart, a lock and what it holds."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.labs import bench as lists
from mhac.labs import controls, services
from mhac.labs.control_forms import LockForm, LotForm, OpenForm, RunForm, TargetForm
from mhac.labs.models import AssayLock, ControlLot, ControlRun, ControlTarget
from mhac.labs.views import fetched


@needs("labs.view_controlrun")
def quality(request):
    sites = list(request.user.sites())
    values = {"assays": controls.assays(sites, timezone.now()), "lots": controls.lots(request.user)}
    values |= {"locks": controls.locks(sites), "several": len(sites) > 1}
    return render(request, "labs/quality.html", values)


@needs("labs.add_controllot")
def new_lot(request):
    form = LotForm(fetched.posted(request), sites=request.user.sites())
    if form.is_valid():
        lot = form.save()
        messages.success(request, _("The lot is entered. Now set what it should measure."))
        return redirect("labs:control_lot", lot.pk)
    return render(request, "labs/quality_lot_new.html", {"form": form})


def _lot(request, key):
    return get_object_or_404(ControlLot.objects.visible_to(request.user).select_related("clinic"), pk=key)


@needs("labs.view_controlrun")
def lot(request, lot):
    return _lot_page(request, _lot(request, lot), TargetForm())


def _lot_page(request, found, form):
    targets = found.targets.select_related("test", "set_by").order_by("-active", "test__position", "-id")
    values = {"lot": found, "targets": targets, "form": form, "instruments": controls.instruments(request.user)}
    values["expired"] = found.expires_on < found.clinic.today()
    return render(request, "labs/quality_lot.html", values)


@needs("labs.add_controltarget")
@require_POST
def set_target(request, lot):
    found, form = _lot(request, lot), TargetForm(request.POST)
    if form.is_valid() and _done(request, form, lambda data: services.set_target(found, by=request.user, **data)):
        messages.success(request, _("The target is set."))
        return redirect("labs:control_lot", found.pk)
    return _lot_page(request, found, form)


@needs("labs.change_controllot")
@require_POST
def end_lot(request, lot):
    found = services.end_lot(_lot(request, lot), by=request.user)
    messages.success(request, _("%(lot)s is out of use. Its runs stay.") % {"lot": found})
    return redirect("labs:quality")


def _done(request, form, act):
    """Whether the service did it; what it refuses stands in the form."""
    try:
        with transaction.atomic():
            return act(form.cleaned_data)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return None


def _target(request, key):
    rows = ControlTarget.objects.filter(lot__clinic__in=request.user.sites())
    return get_object_or_404(rows.select_related("lot__clinic", "test"), pk=key)


@needs("labs.view_controlrun")
def level(request, target):
    found = _target(request, target)
    return _level_page(request, found, RunForm(test=found.test, clinic=found.lot.clinic))


def _level_page(request, target, form):
    key = lists.key_of(request.GET.get("before", ""))
    before = ControlRun.objects.visible_to(request.user).filter(pk=key).first() if key else None
    locks = AssayLock.objects.visible_to(request.user).filter(test=target.test, instrument=target.instrument)
    values = {"target": target, "level": controls.level(target, before), "form": form, "paged": before is not None}
    values["lock"] = locks.filter(clinic=target.lot.clinic, opened_at=None).first()
    return render(request, "labs/quality_level.html", values | {"lock_form": LockForm(prefix="lock")})


@needs("labs.add_controlrun")
@require_POST
def measure(request, target):
    found = _target(request, target)
    form = RunForm(request.POST, test=found.test, clinic=found.lot.clinic)
    if form.is_valid() and (run := _done(request, form, lambda data: _measure(found, data, request.user))):
        said = {"in": messages.success, "warning": messages.warning, "rejected": messages.error}[run.verdict]
        said(request, " ".join([str(found.lot), str(run.get_verdict_display()), ", ".join(run.broken)]).strip())
        return redirect("labs:control_level", found.pk)
    return _level_page(request, found, form)


def _measure(target, data, by):
    return services.measure_control(target, value=data["value"], at=data["at"], by=by)


@needs("labs.open_lock")
@require_POST
def lock_assay(request, target):
    found, form = _target(request, target), LockForm(request.POST, prefix="lock")
    if form.is_valid() and (lock := _done(request, form, lambda data: _lock(found, data, request.user))):
        return redirect("labs:assay_lock", lock.pk)
    for error in form.non_field_errors() or [_("Say what was found and what was done: it stands in the record.")]:
        messages.error(request, error)
    return redirect("labs:control_level", found.pk)


def _lock(target, data, by):
    return services.lock_assay(target, because=data["because"], by=by)


def _lock_of(request, key):
    rows = AssayLock.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("clinic", "test", "run__target__lot", "opened_by"), pk=key)


@needs("labs.view_controlrun")
def assay_lock(request, lock):
    return _lock_page(request, _lock_of(request, lock), OpenForm(request=request))


def _lock_page(request, lock, form):
    sees = "labs.view_labresult" in services.held_by(request.user, lock.clinic_id)
    values = {"lock": lock, "form": form, "held": controls.held_by(lock) if sees else None}
    values["openers"] = controls.openers(lock.clinic)
    values["not_yet"] = "" if lock.opened_at else services.why_not_open(lock)
    return render(request, "labs/quality_lock.html", values)


@needs("labs.open_lock")
@require_POST
def open_assay(request, lock):
    found, form = _lock_of(request, lock), OpenForm(request.POST, request=request)
    if form.is_valid() and _done(request, form, lambda data: _open(found, data, request.user)):
        messages.success(request, _("The assay is open again."))
        return redirect("labs:quality")
    return _lock_page(request, found, form)


def _open(lock, data, by):
    return services.open_assay(lock, because=data["because"], by=by)


@needs("labs.open_lock")
@require_POST
@transaction.atomic
def release_in_spite(request, lock, result):
    found = _lock_of(request, lock)
    row = fetched.result(request, result)
    try:
        because = request.POST.get("because", "")
        services.release_in_spite(found, result=row, because=because, by=request.user)
        messages.warning(request, _("This one result may be verified now, in spite of the lock."))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:assay_lock", found.pk)
