from tests.tools import Quiet, Reported, Unknown, rule_tests

WEBHOOK = """
    import os

    import stripe
    from flask import Flask, abort, request

    app = Flask(__name__)
    stripe.api_key = os.environ["STRIPE_SECRET_KEY"]


    @app.route("/stripe/webhook", methods=["POST"])
    def stripe_webhook():
        secret = os.environ["STRIPE_WEBHOOK_SECRET"]
        try:
            event = stripe.Webhook.construct_event(request.get_data(), request.headers["Stripe-Signature"], secret)
        except (ValueError, stripe.error.SignatureVerificationError):
            abort(400)
        if event["type"] == "invoice.paid":
            fulfil(event["data"]["object"])
        return "", 200
"""
UNSIGNED = """
    import stripe
    from flask import Flask, request

    app = Flask(__name__)


    @app.route("/stripe/webhook", methods=["POST"])
    def stripe_webhook():
        event = request.get_json()
        if event["type"] == "invoice.paid":
            fulfil(event["data"]["object"])
        return "", 200
"""
NO_STRIPE = """
    from flask import Flask

    app = Flask(__name__)
"""
FAKE = "EveryoneCanReadThisKey24"
"""Shaped like the random part of a key."""


def view(body: str, *, before: str = "", decorators: str = "") -> str:
    """An application with one webhook route of that body."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return (
        f"import json, os, hmac, stripe\nfrom flask import Flask, request, current_app\napp = Flask(__name__)\n{before}\n"
        f"{decorators}@app.post('/webhook')\ndef webhook():\n{lines}"
    )


def snippet(line: str) -> str:
    return f"import os\nimport stripe\nfrom flask import Flask, render_template, jsonify\napp = Flask(__name__)\n{line}\n"


CONSTRUCT = "event = stripe.Webhook.construct_event(payload, sig, secret)"
HEAD = "payload = request.data\nsig = request.headers['Stripe-Signature']\nsecret = os.getenv('STRIPE_WEBHOOK_SECRET')\n"
HANDLES = "if event['type'] == 'checkout.session.completed':\n    pass\nreturn ''"

QUIET: Quiet = {
    "payments.signed-webhook": [
        ("verified before it is read", WEBHOOK),
        ("no Stripe", NO_STRIPE),
        (
            "verified by a service in another file",
            {
                "app.py": """
                from flask import Flask, request
                from billing.service import handle

                app = Flask(__name__)

                @app.post("/stripe/webhook")
                def hook():
                    return handle(request.data, request.headers.get("Stripe-Signature"))
                """,
                "billing/service.py": """
                from .gateway import Gateway

                def handle(body, sig):
                    event = Gateway().event(body, sig)
                    return event["type"] == "invoice.paid"
                """,
                "billing/gateway.py": """
                import stripe
                from config import SECRET

                class Gateway:
                    def event(self, body, sig):
                        return stripe.Webhook.construct_event(body, sig, SECRET)
                """,
            },
        ),
        (
            "verified by an object that cannot be followed",
            {
                "app.py": view("event = current_app.extensions['stripe'].verified(request)\n" + HANDLES),
                "gateway.py": "import stripe\nclass Gateway:\n    def verified(self, request):\n"
                "        return stripe.Webhook.construct_event(request.data, request.headers['Stripe-Signature'], self.secret)\n",
            },
        ),
        (
            "verified by a decorator",
            view(
                "event = request.get_json()\n" + HANDLES,
                before="def signed(f):\n    def wrapped():\n        stripe.WebhookSignature.verify_header(request.get_data(as_text=True), "
                "request.headers['Stripe-Signature'], os.environ['S'])\n        return f()\n    return wrapped\n",
                decorators="@signed\n",
            ),
        ),
        (
            "verified before every request of the blueprint",
            """
            import os, stripe
            from flask import Blueprint, Flask, request

            app = Flask(__name__)
            hooks = Blueprint("hooks", __name__)

            @hooks.before_request
            def check():
                stripe.WebhookSignature.verify_header(request.data, request.headers["Stripe-Signature"], os.environ["SECRET"])

            @hooks.post("/stripe/webhook")
            def hook():
                event = request.get_json()
                return event["type"]

            app.register_blueprint(hooks)
            """,
        ),
        ("by a StripeClient", view(HEAD + "event = stripe.StripeClient(os.environ['K']).construct_event(payload, sig, secret)\n" + HANDLES)),
        (
            "a view of another file, added by its rule",
            {
                "app.py": """
                from flask import Flask
                import views

                app = Flask(__name__)
                app.add_url_rule("/hooks/stripe", view_func=views.hook, methods=["POST"])
                """,
                "views.py": """
                import os, stripe
                from flask import request

                def hook():
                    return stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], os.environ["SECRET"])["id"]
                """,
            },
        ),
        ("trusted in tests only", view(HEAD + f"if app.testing:\n    event = request.get_json()\nelse:\n    {CONSTRUCT}\n" + HANDLES)),
        ("refused without the secret", view(HEAD + f"if not secret:\n    return 'not configured', 500\n{CONSTRUCT}\n" + HANDLES)),
        ("parsed first and verified all the same", view(HEAD + f"event = json.loads(payload)\n{CONSTRUCT}\n" + HANDLES)),
        (
            "refused events end the view",
            view(
                HEAD
                + f"event = json.loads(payload)\ntry:\n    {CONSTRUCT}\nexcept stripe.SignatureVerificationError:\n    return '', 400\n"
                + HANDLES
            ),
        ),
        (
            "checked by hand",
            view(
                "if not hmac.compare_digest(mine(request.data), request.headers['Stripe-Signature']):\n    return '', 400\nevent = request.json\n"
                + HANDLES
            ),
        ),
        ("fetched again from Stripe", view("event = stripe.Event.retrieve(request.json['id'])\n" + HANDLES)),
        (
            "another provider's webhook",
            WEBHOOK + "\n\n    @app.post('/paypal/webhook')\n    def paypal():\n        return request.get_json()['event_type']\n",
        ),
        (
            "an administrator registers the webhook at Stripe",
            WEBHOOK + "\n\n    @app.post('/admin/stripe/webhook')\n    def register():\n"
            "        stripe.WebhookEndpoint.create(url=request.form['url'], enabled_events=['invoice.paid'])\n        return ''\n",
        ),
        (
            "a page behind a login",
            WEBHOOK
            + "\n\n    @app.post('/stripe/callback')\n    @login_required\n    def connected():\n        return save(request.form['account'])\n",
        ),
    ],
    "payments.raw-body": [
        ("the bytes as they came", WEBHOOK),
        ("through a variable, decoded", view("payload = request.data.decode('utf-8')\nsig = ''\nsecret = ''\n" + CONSTRUCT)),
        (
            "handed to a helper",
            """
            import stripe
            from flask import Flask, request

            app = Flask(__name__)

            def verified(body, sig):
                return stripe.Webhook.construct_event(body, sig, SECRET)

            @app.post("/stripe/webhook")
            def hook():
                return verified(request.get_data(as_text=True), request.headers["Stripe-Signature"])["id"]
            """,
        ),
        ("no Stripe", NO_STRIPE),
    ],
    "payments.keys-from-environment": [
        ("from the environment", WEBHOOK),
        ("no Stripe", NO_STRIPE),
        (
            "through the configuration",
            {
                "app.py": """
                import stripe
                from flask import Flask

                app = Flask(__name__)
                app.config.from_object("config.Config")
                stripe.api_key = app.config["STRIPE_SECRET_KEY"]
                """,
                "config.py": "import os\nclass Config:\n    STRIPE_SECRET_KEY = os.environ['STRIPE_SECRET_KEY']\n",
            },
        ),
        ("through a table of keys", snippet("keys = {'secret': os.environ['STRIPE_SECRET_KEY']}\nstripe.api_key = keys['secret']")),
        (
            "through an attribute",
            """
            import os, stripe
            from flask import Flask

            app = Flask(__name__)

            class Payments:
                def __init__(self):
                    self.key = os.environ["STRIPE_SECRET_KEY"]

                def go(self):
                    stripe.api_key = self.key
            """,
        ),
        ("by a function", snippet("def key():\n    return os.environ['STRIPE_SECRET_KEY']\nclient = stripe.StripeClient(key())")),
        ("a placeholder as fallback", snippet("stripe.api_key = os.getenv('STRIPE_SECRET_KEY', 'sk_test_placeholder')")),
        ("cleared first", snippet("stripe.api_key = None\nstripe.api_key = os.environ['STRIPE_SECRET_KEY']")),
    ],
    "payments.placeholder-key": [
        ("from the environment", WEBHOOK),
        ("an empty fallback", snippet("stripe.api_key = os.getenv('STRIPE_SECRET_KEY', '')")),
    ],
    "payments.webhook-secret-from-environment": [
        ("from the environment", WEBHOOK),
        (
            "empty, but asked before it is used",
            view(HEAD.replace("SECRET')", "SECRET', '')") + f"if not secret:\n    return '', 500\n{CONSTRUCT}\n" + HANDLES),
        ),
    ],
    "payments.no-secret-on-client": [
        (
            "the page gets the publishable key",
            """
            import os

            import stripe
            from flask import Flask, render_template

            app = Flask(__name__)


            @app.get("/checkout")
            def checkout():
                return render_template("checkout.html", publishable_key=os.environ["STRIPE_PUBLISHABLE_KEY"])
            """,
        ),
        (
            "a payment's client secret",
            snippet("@app.post('/pay')\ndef pay():\n    return jsonify(client_secret=intent.client_secret, public_key=PUBLIC_KEY)"),
        ),
        (
            "whether it is configured",
            snippet("@app.get('/h')\ndef h():\n    return jsonify(stripe=bool(os.getenv('STRIPE_SECRET_KEY')), public_key=PUBLIC_KEY)"),
        ),
        (
            "an administrator edits the settings",
            snippet("def edit(row):\n    return render_template('s.html', k=row.stripe_secret_key, public_key=row.pk)"),
        ),
        (
            "the script loads the publishable key",
            {
                "app.py": NO_STRIPE + "    import stripe\n",
                "frontend/src/pay.js": "const stripe = loadStripe(import.meta.env.VITE_STRIPE_PUBLISHABLE_KEY)\n",
            },
        ),
    ],
    "payments.idempotency": [
        (
            "a key for each order",
            """
            import stripe
            from flask import Flask

            app = Flask(__name__)


            @app.post("/orders/<int:order_id>/pay")
            def pay(order_id):
                order = Order.query.get_or_404(order_id)
                return stripe.PaymentIntent.create(amount=order.total_cents, currency="eur", idempotency_key=f"order-{order.id}")
            """,
        ),
        (
            "in the options of a client",
            snippet("client = stripe.StripeClient(KEY)\nclient.payment_intents.create(params={'amount': 1}, options={'idempotency_key': K})"),
        ),
        ("in options of their own", snippet("def pay():\n    options = {'amount': 1, 'idempotency_key': K}\n    stripe.Charge.create(**options)")),
    ],
    "payments.integer-amounts": [
        (
            "rounded",
            """
            import stripe
            from flask import Flask

            app = Flask(__name__)


            @app.post("/pay/<price>")
            def pay(price):
                return stripe.PaymentIntent.create(amount=int(round(float(price) * 100)), currency="eur")
            """,
        ),
        ("a literal", snippet("stripe.Charge.create(amount=1099)")),
        ("named in cents", snippet("stripe.Charge.create(amount=order.total_cents)")),
        ("in the items of a session", snippet("stripe.checkout.Session.create(line_items=[{'price_data': {'unit_amount': 2000}}])")),
        ("exact decimals", snippet("from decimal import Decimal\ndef pay(price):\n    stripe.Charge.create(amount=int(Decimal(price) * 100))")),
        (
            "an integer column",
            snippet("class Plan(db.Model):\n    price = db.Column(db.Integer)\ndef pay(plan):\n    stripe.Charge.create(amount=plan.price * 100)"),
        ),
        ("an annotated parameter", snippet("def pay(amount: int):\n    stripe.Charge.create(amount=amount)")),
    ],
    "payments.events-once": [
        (
            "the id is looked up",
            WEBHOOK.replace('if event["type"]', 'if Handled.query.get(event["id"]):\n            return "", 200\n        if event["type"]'),
        ),
        (
            "a unique key refuses the second",
            WEBHOOK.replace(
                'fulfil(event["data"]["object"])',
                "db.session.add(Credit(invoice=subject(event)))\n            try:\n                db.session.commit()\n"
                "            except IntegrityError:\n                db.session.rollback()",
            ),
        ),
        (
            "what was paid before is left alone",
            WEBHOOK.replace(
                'fulfil(event["data"]["object"])',
                "order = Order.query.filter_by(invoice=subject(event)).first()\n            if order.status == 'paid':\n"
                "                return ''\n            order.status = 'paid'\n            db.session.commit()",
            ),
        ),
        (
            "nothing is done where nothing changes",
            WEBHOOK.replace(
                'fulfil(event["data"]["object"])',
                "user = db.session.get(User, subject(event))\n            before = user.tier or 'free'\n            if before != 'gold':\n"
                "                user.tier = 'gold'\n                db.session.commit()",
            ),
        ),
        ("no Stripe", NO_STRIPE),
    ],
    "payments.csrf-exempt": [
        (
            "exempt",
            WEBHOOK.replace("from flask import", "from flask_wtf.csrf import CSRFProtect\n    from flask import")
            .replace("stripe.api_key", "csrf = CSRFProtect(app)\n    stripe.api_key")
            .replace("    def stripe", "    @csrf.exempt\n    def stripe"),
        ),
        ("no CSRF protection", WEBHOOK),
        (
            "the blueprint is exempt",
            {
                "app.py": """
                from flask import Flask
                from flask_wtf import CSRFProtect
                from hooks import hooks_bp, other_bp

                app = Flask(__name__)
                csrf = CSRFProtect(app)
                for bp in (hooks_bp, other_bp):
                    csrf.exempt(bp)
                app.register_blueprint(hooks_bp)
                """,
                "hooks.py": """
                import os, stripe
                from flask import Blueprint, request

                hooks_bp = Blueprint("hooks", __name__)
                other_bp = Blueprint("other", __name__)

                @hooks_bp.post("/stripe/webhook")
                def hook():
                    return stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], os.environ["SECRET"])["id"]
                """,
            },
        ),
        (
            "protection asked view by view",
            "from flask_wtf import CSRFProtect\n" + view(HEAD + CONSTRUCT, before="app.config['WTF_CSRF_CHECK_DEFAULT'] = False\nCSRFProtect(app)"),
        ),
    ],
}
REPORTED: Reported = {
    "payments.signed-webhook": [
        ("nothing is checked", UNSIGNED, "app.py:9"),
        (
            "checked only where the secret is set",
            view(HEAD + f"if secret:\n    {CONSTRUCT}\nelse:\n    event = json.loads(payload)\n" + HANDLES),
            "app.py:11",
        ),
        (
            "trusted first, checked where the secret is set",
            view(HEAD + f"event = json.loads(payload)\nif secret:\n    {CONSTRUCT}\n" + HANDLES),
            "app.py:12",
        ),
        (
            "trusted without the header, in debug or not",
            view(HEAD + f"if not sig or app.debug:\n    event = json.loads(payload)\nelse:\n    {CONSTRUCT}\n" + HANDLES),
            "app.py:13",
        ),
        (
            "a helper gives it back unchecked",
            view(
                "event = verified(request.data, request.headers.get('Stripe-Signature'))\n" + HANDLES,
                before="def verified(body, sig):\n    if not SECRET:\n        return json.loads(body)\n"
                "    return stripe.Webhook.construct_event(body, sig, SECRET)\n",
            ),
            "app.py:7",
        ),
        (
            "what is refused is used",
            view(
                HEAD + f"event = json.loads(payload)\ntry:\n    {CONSTRUCT}\nexcept stripe.SignatureVerificationError as e:\n    print(e)\n" + HANDLES
            ),
            "app.py:12",
        ),
        (
            "the header is only logged",
            view("print(request.headers.get('Stripe-Signature'))\nevent = request.json\n" + HANDLES),
            "app.py:6",
        ),
    ],
    "payments.raw-body": [
        (
            "JSON written again",
            WEBHOOK.replace("request.get_data()", "json.dumps(request.get_json())").replace("import os", "import json\n    import os", 1),
            "app.py:16",
        ),
        ("the parsed JSON", WEBHOOK.replace("request.get_data()", "request.json"), "app.py:15"),
        ("through a variable", view("payload = json.dumps(request.json)\nsig = ''\nsecret = ''\n" + CONSTRUCT), "app.py:10"),
    ],
    "payments.keys-from-environment": [
        (
            "written down",
            """
            import stripe
            from flask import Flask

            app = Flask(__name__)
            stripe.api_key = "sk_test_" + "EveryoneCanReadThisKey24"
            """,
            "app.py:6",
        ),
        ("as fallback", snippet(f"stripe.api_key = os.getenv('STRIPE_SECRET_KEY', 'sk_test_' + '{FAKE}')"), "app.py:5"),
        ("behind `or`", snippet("stripe.api_key = os.getenv('STRIPE_SECRET_KEY') or 'sk_" + f"test_{FAKE}'"), "app.py:5"),
        ("in a client", snippet("client = stripe.StripeClient('rk_" + f"test_{FAKE}')"), "app.py:5"),
        ("in a call", snippet("stripe.Charge.create(amount=5, api_key='sk_" + f"test_{FAKE}')"), "app.py:5"),
        ("as a constant", snippet("KEY = 'sk_" + f"test_{FAKE}'\nstripe.api_key = KEY"), "app.py:6"),
    ],
    "payments.placeholder-key": [
        (
            "as fallback",
            """
            import os

            import stripe
            from flask import Flask

            app = Flask(__name__)
            stripe.api_key = os.environ.get("STRIPE_SECRET_KEY", "sk_test_your_key_here")
            """,
            "app.py:8",
        ),
        ("a key of no shape", snippet("stripe.api_key = 'SomeStripeKey'"), "app.py:5"),
        ("a publishable key", snippet("stripe.api_key = 'pk_" + f"test_{FAKE}'"), "app.py:5"),
    ],
    "payments.webhook-secret-from-environment": [
        ("written down", WEBHOOK.replace('secret = os.environ["STRIPE_WEBHOOK_SECRET"]', 'secret = "whsec_test_secret"'), "app.py:15"),
        ("empty when the variable is missing", view(HEAD.replace("SECRET')", "SECRET', '')") + CONSTRUCT + "\n" + HANDLES), "app.py:10"),
    ],
    "payments.no-secret-on-client": [
        (
            "handed to the template",
            """
            import os

            import stripe
            from flask import Flask, render_template

            app = Flask(__name__)


            @app.get("/checkout")
            def checkout():
                return render_template("checkout.html", stripe_key=os.environ["STRIPE_SECRET_KEY"])
            """,
            "app.py:12",
        ),
        ("of a table of keys", snippet("def pay():\n    return render_template('p.html', key=stripe_keys['secret_key'])"), "app.py:6"),
        ("of the configuration", snippet("def pay():\n    return render_template('p.html', key=app.config['STRIPE_SECRET_KEY'])"), "app.py:6"),
        ("in an answer", snippet("@app.get('/c')\ndef c():\n    return jsonify({'key': stripe.api_key})"), "app.py:7"),
        (
            "printed by the template",
            {"app.py": snippet(""), "templates/pay.html": "<p>\n<script>Stripe('{{ config.STRIPE_SECRET_KEY }}')</script>\n"},
            "templates/pay.html:2",
        ),
        ("a test key in a script", {"app.py": snippet(""), "static/pay.js": "var key = 'sk_" + f"test_{FAKE}'; // Stripe\n"}, "static/pay.js:1"),
        (
            "built into the bundle",
            {"app.py": snippet(""), "frontend/src/pay.tsx": "const key = process.env.REACT_APP_STRIPE_SECRET_KEY\n"},
            "frontend/src/pay.tsx:1",
        ),
    ],
    "payments.idempotency": [
        (
            "none",
            """
            import stripe
            from flask import Flask

            app = Flask(__name__)


            @app.post("/orders/<int:order_id>/pay")
            def pay(order_id):
                order = Order.query.get_or_404(order_id)
                return stripe.PaymentIntent.create(amount=order.total_cents, currency="eur")
            """,
            "app.py:11",
        ),
        ("a refund by a client", snippet("client = stripe.StripeClient(KEY)\nclient.refunds.create(params={'charge': c})"), "app.py:6"),
        ("none in the options of its own", snippet("def pay():\n    options = {'amount': 1}\n    stripe.Charge.create(**options)"), "app.py:7"),
    ],
    "payments.integer-amounts": [
        (
            "a float cut short",
            """
            import stripe
            from flask import Flask

            app = Flask(__name__)


            @app.post("/pay/<price>")
            def pay(price):
                return stripe.PaymentIntent.create(amount=int(float(price) * 100), currency="eur")
            """,
            "app.py:10",
        ),
        ("divided", snippet("def pay(total):\n    stripe.Charge.create(amount=total / 2)"), "app.py:6"),
        (
            "a float column",
            snippet("class Plan(db.Model):\n    price = db.Column(db.Float)\ndef pay(plan):\n    stripe.Charge.create(amount=plan.price * 100)"),
            "app.py:8",
        ),
        ("a literal", snippet("stripe.Charge.create(amount=10.99)"), "app.py:5"),
        (
            "in the items of a session",
            snippet("stripe.checkout.Session.create(line_items=[{'price_data': {'unit_amount': 19.99 * 100}}])"),
            "app.py:5",
        ),
        ("an annotated parameter", snippet("def pay(amount: float):\n    stripe.Charge.create(amount=amount)"), "app.py:6"),
    ],
    "payments.events-once": [
        (
            "the id is not looked at",
            WEBHOOK.replace('fulfil(event["data"]["object"])', "db.session.add(Credit(user_id=1, cents=900))\n            db.session.commit()"),
            "app.py:12",
        ),
        (
            "done by a task",
            {
                "app.py": WEBHOOK.replace("fulfil(event", "fulfil.delay(event").replace(
                    "    import os", "    from tasks import fulfil\n    import os"
                ),
                "tasks.py": "from celery import shared_task\n@shared_task\ndef fulfil(invoice):\n    send_receipt_email(invoice)\n",
            },
            "app.py:13",
        ),
    ],
    "payments.csrf-exempt": [
        (
            "every event is refused",
            WEBHOOK.replace("from flask import", "from flask_wtf.csrf import CSRFProtect\n    from flask import").replace(
                "stripe.api_key", "csrf = CSRFProtect(app)\n    stripe.api_key"
            ),
            "app.py:14",
        ),
        (
            "another blueprint of the same name is exempt",
            {
                "app.py": """
                from flask import Flask
                import api, hooks
                from extensions import csrf

                app = Flask(__name__)
                csrf.init_app(app)
                app.register_blueprint(api.bp)
                app.register_blueprint(hooks.bp)
                """,
                "extensions.py": "from flask_wtf import CSRFProtect\ncsrf = CSRFProtect()\n",
                "api.py": "from flask import Blueprint\nfrom extensions import csrf\nbp = Blueprint('api', __name__)\ncsrf.exempt(bp)\n",
                "hooks.py": """
                import os, stripe
                from flask import Blueprint, request

                bp = Blueprint("hooks", __name__)

                @bp.post("/stripe/webhook")
                def hook():
                    stripe.Webhook.construct_event(request.get_data(), request.headers["Stripe-Signature"], os.environ["STRIPE_WEBHOOK_SECRET"])
                    return "", 200
                """,
            },
            "hooks.py:8",
        ),
    ],
}
UNKNOWN: Unknown = {
    "payments.events-once": [
        ("done elsewhere", WEBHOOK, "depends on `fulfil`"),
        ("chosen from a table", WEBHOOK.replace("fulfil(event", "HANDLERS[event['type']](event"), "depends on `HANDLERS"),
        ("nothing is done", WEBHOOK.replace('fulfil(event["data"]["object"])', "pass"), "looked for"),
    ],
    "payments.signed-webhook": [
        (
            "checked on a condition of its own",
            view(HEAD + f"if not os.environ.get('HUB_DOCKER'):\n    {CONSTRUCT}\nelse:\n    event = json.loads(payload)\n" + HANDLES),
            "HUB_DOCKER",
        ),
        (
            "the request is handed to a library",
            view("return billing.dispatch(request)", before="import billing").replace("/webhook", "/stripe/webhook"),
            "billing.dispatch",
        ),
        (
            "a decorator of a library",
            view("event = request.json\n" + HANDLES, before="from guard import verify_stripe", decorators="@verify_stripe\n"),
            "verify_stripe",
        ),
        ("Stripe, but no webhook", snippet("stripe.api_key = os.environ['K']"), "looked for"),
    ],
    "payments.raw-body": [("a parameter that nobody gives", snippet("def check(body):\n    stripe.Webhook.construct_event(body, S, T)"), "body")],
    "payments.keys-from-environment": [
        ("from a database", snippet("stripe.api_key = load_settings()['key']"), "load_settings"),
        ("a live key, reported by another rule", snippet("stripe.api_key = 'sk_" + "live_4Qz8Lw2Nv6Tr1Yx9Kp3Jm7Hd'"), "env-vars.literal-secrets"),
    ],
    "payments.webhook-secret-from-environment": [
        (
            "a fallback, reported by another rule",
            view(HEAD.replace("SECRET')", "SECRET', 'whsec_x')") + CONSTRUCT + "\n" + HANDLES),
            "literal fallback",
        ),
    ],
    "payments.idempotency": [("options of another function", snippet("stripe.Charge.create(**options())"), "options()")],
    "payments.integer-amounts": [
        ("a parameter", snippet("def pay(amount):\n    stripe.Charge.create(amount=amount)"), "amount"),
        ("an unknown price", snippet("def pay(p):\n    stripe.Charge.create(amount=int(p.price * 100))"), "p.price"),
    ],
    "payments.csrf-exempt": [
        (
            "an exemption that cannot be told",
            "from flask_wtf import CSRFProtect\n"
            + view(HEAD + CONSTRUCT, before="csrf = CSRFProtect(app)\nfor v in hooks():\n    csrf.exempt(v.view)\ncsrf.exempt(hooks()[0])\n"),
            "csrf.exempt",
        )
    ],
}

test_quiet, test_reported, test_unknown = rule_tests(QUIET, REPORTED, UNKNOWN)
