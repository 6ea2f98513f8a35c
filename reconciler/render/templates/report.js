"use strict";
(() => {
  const form = document.getElementById("filters");
  const details = [...document.querySelectorAll("details")];
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = details.filter((one) => !one.open);
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed) one.open = false;
  });
  if (!form) return;

  const shown = document.getElementById("shown");
  const sections = [...document.querySelectorAll(".connection")];
  const cards = [...document.querySelectorAll(".card")].map((card) => ({
    card,
    name: card.querySelector("h4").textContent.toLowerCase(),
    connection: card.dataset.connection,
    risk: card.dataset.risk.split(" "),
    verb: card.dataset.verb.split(" "),
  }));
  const fits = (one) => {
    const { name, connection, risk, verb } = form.elements;
    return (
      one.name.includes(name.value.trim().toLowerCase()) &&
      (!connection.value || one.connection === connection.value) &&
      (!risk.value || one.risk.includes(risk.value)) &&
      (!verb.value || one.verb.includes(verb.value))
    );
  };
  const show = () => {
    const fitting = new Set(cards.filter(fits).map((one) => one.card));
    for (const { card } of cards) card.hidden = !fitting.has(card);
    for (const section of sections) section.hidden = !section.querySelector(".card:not([hidden])");
    const whole = cards.length.toLocaleString("en");
    shown.textContent = `${fitting.size.toLocaleString("en")} of ${whole} ${cards.length === 1 ? "campaign" : "campaigns"} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to a campaign that a filter hides leads to it all the same.
  addEventListener("hashchange", () => {
    const there = document.getElementById(location.hash.slice(1));
    if (!there?.closest("[hidden]")) return;
    form.reset();
    setTimeout(() => there.scrollIntoView());
  });
  form.hidden = false;
  show();
})();
