// A face by the camera of this computer: the picture becomes the file of the form, and goes the way of every other file.
// Without this script, or without a camera, a file is chosen.
document.querySelectorAll("form[data-camera]").forEach((form) => {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const box = form.querySelector(".camera");
  const video = form.querySelector("video");
  const canvas = form.querySelector("canvas");
  const file = form.querySelector("input[type=file]");
  // 3.5 x 4.5 cm, twice the size that is kept.
  const shape = { width: 826, height: 1062 };
  let stream = null;

  const say = (words) => {
    part("said").textContent = words;
  };

  const show = (isTaken) => {
    video.hidden = isTaken;
    canvas.hidden = !isTaken;
    part("take").hidden = isTaken;
    part("again").hidden = !isTaken;
  };

  const close = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    box.hidden = true;
    part("open").hidden = false;
  };

  const open = async () => {
    say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } },
      });
    } catch (fault) {
      say(fault.name === "NotAllowedError" ? form.dataset.refused : form.dataset.missing);
      file.focus();
      return;
    }
    video.srcObject = stream;
    await video.play();
    box.hidden = false;
    part("open").hidden = true;
    show(false);
    part("take").focus();
  };

  const take = () => {
    canvas.width = shape.width;
    canvas.height = shape.height;
    // The middle of what the camera sees, in the shape of a passport photo.
    const scale = Math.min(video.videoWidth / shape.width, video.videoHeight / shape.height);
    const [width, height] = [shape.width * scale, shape.height * scale];
    const [x, y] = [(video.videoWidth - width) / 2, (video.videoHeight - height) / 2];
    canvas.getContext("2d").drawImage(video, x, y, width, height, 0, 0, shape.width, shape.height);
    canvas.toBlob(
      (picture) => {
        const carried = new DataTransfer();
        carried.items.add(new File([picture], "face.jpg", { type: "image/jpeg" }));
        file.files = carried.files;
        show(true);
        say(form.dataset.taken);
        part("keep").focus();
      },
      "image/jpeg",
      0.92,
    );
  };

  part("open").hidden = false;
  part("open").addEventListener("click", () => {
    // Browsers give the camera to pages that came by https, or from the same machine, only.
    if (navigator.mediaDevices?.getUserMedia) open();
    else say(form.dataset.missing);
  });
  part("take").addEventListener("click", take);
  part("again").addEventListener("click", () => {
    file.value = "";
    say("");
    show(false);
    part("take").focus();
  });
  part("close").addEventListener("click", close);
  window.addEventListener("pagehide", close);
});
