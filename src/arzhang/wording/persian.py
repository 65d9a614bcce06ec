"""Persian: what conclusions, figures and pages say, by id; what stands between two `$` is read from left to right."""

PERSIAN: dict[str, str] = {
    # --- The language itself ----------------------------------------------------------------------------------------
    "language.direction": "rtl",
    "language.digits": "۰۱۲۳۴۵۶۷۸۹",
    "language.decimal": "٫",
    "language.thousands": "٬",
    "language.percent": "٪",
    "language.comma": "، ",
    # --- Gradient estimators (1d): conclusions ----------------------------------------------------------------------
    "gradients.agree": "برآوردگرها با هم سازگارند: هر {compared} میانگینِ اندازه‌گیری‌شده درون کران ۹۵ درصدیِ هم‌زمانِ همهٔ "
    "آن‌ها است ({bound:.2f} خطای معیار؛ دورترین میانگین {largest:.2f} خطای معیار فاصله دارد).",
    "gradients.disagree": "{outside} میانگین از {compared} میانگینِ اندازه‌گیری‌شده بیرون از کران ۹۵ درصدیِ هم‌زمانِ همهٔ آن‌ها "
    "است ({bound:.2f} خطای معیار؛ دورترین میانگین {largest:.2f} خطای معیار فاصله دارد).",
    "gradients.astray": "برای $f = {f}$ میانگین برآوردگر {estimator} در {count} مقدار از $μ$ بیرون از کران است؛ دورترین آن‌ها "
    "در $μ = {mu:.2f}$ با مقدار {mean:.3g} است، حال آنکه مقدار درست {truth:.3g} است. هرجا $f$ جهش دارد برآوردگر مسیری اریب "
    "است؛ در جاهای دیگر باید به دنبال واریانس نامتناهی گشت.",
    "gradients.diverges": "$f = {f}$: انتگرال واریانس برآوردگر {estimator} همگرا نیست؛ آنچه از آن اندازه گرفته می‌شود به "
    "بزرگ‌ترین نمونه‌ها بستگی دارد.",
    "gradients.zero": "برای $f = {f}$ برآوردگر {estimator} همه‌جا {mean:g} می‌دهد، زیرا $f$ تقریباً همه‌جا تخت است؛ مقدار درست "
    "در $μ = {mu:.2f}$ برابر {truth:.3f} است. اینجا برآوردگر پرنوفه نیست، نادرست است.",
    "gradients.best_per_sample": "$f = {f}$، به ازای هر نمونه: برای $μ$ از {low:.2f} تا {high:.2f} کمترین واریانس از آنِ "
    "برآوردگر {estimator} است؛ میانهٔ نسبت واریانس برآوردگر {rival} به آن {factor:.2f} است.",
    "gradients.best_per_evaluation": "$f = {f}$، با تعداد برابرِ محاسبهٔ $f$: برای $μ$ از {low:.2f} تا {high:.2f} کمترین واریانس "
    "از آنِ برآوردگر {estimator} است؛ میانهٔ نسبت واریانس برآوردگر {rival} به آن {factor:.2f} است.",
    "gradients.worst": "$f = {f}$: بیشترین واریانس از آنِ برآوردگر {estimator} است: {least:.3g} تا {largest:.3g} برابرِ کمترین واریانس "
    "(به ازای هر نمونه، روی همهٔ مقدارهای $μ$).",
    "gradients.tie_per_sample": "$f = {f}$، به ازای هر نمونه: برای $μ$ از {low:.2f} تا {high:.2f} میان برآوردگرهای {estimator} و {rival} "
    "تفاوتی تشخیص‌پذیر نیست.",
    "gradients.tie_per_evaluation": "$f = {f}$، با تعداد برابرِ محاسبهٔ $f$: برای $μ$ از {low:.2f} تا {high:.2f} میان "
    "برآوردگرهای {estimator} و {rival} تفاوتی تشخیص‌پذیر نیست.",
    "gradients.exact_per_sample": "$f = {f}$، به ازای هر نمونه: برای $μ$ از {low:.2f} تا {high:.2f} برآوردگر {estimator} هیچ "
    "واریانسی ندارد: یک نمونه مقدار دقیق را می‌دهد.",
    "gradients.exact_per_evaluation": "$f = {f}$، با تعداد برابرِ محاسبهٔ $f$: برای $μ$ از {low:.2f} تا {high:.2f} برآوردگر "
    "{estimator} هیچ واریانسی ندارد: یک نمونه مقدار دقیق را می‌دهد.",
    "gradients.crossing_per_sample": "$f = {f}$: به ازای هر نمونه، برآوردگر اندازه‌مقدار آنجا که $|μ| < {measured:.3f}$ است از "
    "برآوردگر مسیری بهتر است (مقدار دقیق: {exact:.3f}).",
    "gradients.crossing_per_evaluation": "$f = {f}$: با تعداد برابرِ محاسبهٔ $f$، برآوردگر اندازه‌مقدار آنجا که "
    "$|μ| < {measured:.3f}$ است از برآوردگر مسیری بهتر است (مقدار دقیق: {exact:.3f}).",
    "gradients.variance_exact": "واریانس‌های اندازه‌گیری‌شده در میانه {median:.2%} و حداکثر {largest:.1%} با واریانس‌های دقیق "
    "اختلاف دارند ({compared} واریانس).",
    "gradients.by_n": "میانگین‌گیری روی $N$ نمونه واریانس را بر $N$ تقسیم می‌کند: شیب لگاریتم واریانس بر حسب لگاریتم $N$ میان "
    "{least:.3f} و {largest:.3f} است ({curves} منحنی).",
    "gradients.cost": "یک گرادیان تک‌نمونه‌ای با برآوردگر {estimator} به {nanoseconds:.0f} نانوثانیه و {evaluations:g} بار "
    "محاسبهٔ $f$ نیاز دارد.",
    "gradients.mohamed": "از {compared} واریانسی که محمد و همکاران (۲۰۲۰، شکل‌های ۲ و ۳) منتشر کرده‌اند، {agree} مورد در همهٔ "
    "رقم‌های داده‌شده با واریانس دقیق یکی است؛ بزرگ‌ترین اختلاف {largest:.1%} است.",
    "gradients.mohamed_crossings": "واریانس برآوردگر تابع امتیاز برای $exp(−kz²)$ از $k = {exp:.3f}$ به بالا و برای $cos kz$ از "
    "$k = {cos:.3f}$ به بالا کمتر از برآوردگر مسیری است ($μ = σ = 1$).",
    # --- Gradient estimators: names and labels ----------------------------------------------------------------------
    "estimator.pathwise": "مسیری (α)",
    "estimator.score-function": "تابع امتیاز (β)",
    "estimator.score-function:leave_one_out": "تابع امتیاز، خط پایهٔ یکی‌بیرون",
    "estimator.score-function:optimal": "تابع امتیاز، خط پایهٔ بهینه",
    "estimator.score-function:delta": "تابع امتیاز، خط پایهٔ دلتا",
    "estimator.measure-valued": "اندازه‌مقدار (γ)",
    "estimator.measure-valued:shared": "اندازه‌مقدار، با نوفهٔ مشترک",
    "estimator.measure-valued:antithetic": "اندازه‌مقدار، پادمتقارن",
    "estimator.finite-difference": "تفاضل متناهی",
    "gradients.figure.means": "میانگین گرادیان‌های تک‌نمونه‌ای بر حسب $μ$",
    "gradients.figure.variances": "واریانس گرادیان تک‌نمونه‌ای بر حسب $μ$",
    "gradients.figure.variances_per_evaluation": "واریانس به ازای یک بار محاسبهٔ $f$، بر حسب $μ$",
    "gradients.figure.means_by_n": "میانگین برآوردهای $N$ نمونه‌ای، در $μ = {mu:g}$",
    "gradients.figure.variances_by_n": "واریانس برآورد $N$ نمونه‌ای، در $μ = {mu:g}$",
    "gradients.figure.mohamed_square": "محمد و همکاران (۲۰۲۰)، شکل ۲: $(z − k)²$، $μ = σ = 1$",
    "gradients.figure.mohamed_others": "محمد و همکاران (۲۰۲۰)، شکل ۳: $μ = σ = 1$",
    "gradients.axis.mu": "میانگین $μ$",
    "gradients.axis.n": "تعداد نمونه‌ها، $N$",
    "gradients.axis.k": "k",
    "gradients.axis.gradient": "برآورد $dE[f]/dμ$",
    "gradients.axis.variance": "واریانس",
    "gradients.legend.exact": "مقدار دقیق",
    "gradients.legend.zero": "همه‌جا صفر",
    "gradients.family.square": "(z − k)²",
    "gradients.family.exp": "exp(−kz²)",
    "gradients.family.cos": "cos kz",
    # --- A study on a page ------------------------------------------------------------------------------------------
    "study.options": "گزینه‌های این مطالعه",
    "study.made": "ساخته‌شده با ${command}$.",
    "study.gradients": "سه راه برای مشتق گرفتن از امید ریاضی",
    "study.gradients_about": "$η = d/dμ E[f(z)]$ با $z ∼ N(μ, {sigma:g}²)$، با {estimators:d} برآوردگر: هر برآوردگر در هر میانگین "
    "با {samples:,} گرادیان تک‌نمونه‌ای اندازه گرفته شده و کنار مقداری آمده که باید باشد.",
    "table.gradients.at_one": "همهٔ برآوردگرها در نزدیک‌ترین میانگین به $μ = 1$",
    "column.f": "f",
    "column.estimator": "برآوردگر",
    "column.mean": "میانگین",
    "column.truth": "گرادیان درست",
    "column.variance": "واریانس",
    "column.exact": "واریانس دقیق",
    "column.per_evaluation": "واریانس به ازای یک محاسبه",
    "column.nanoseconds": "زمان هر نمونه، نانوثانیه",
    "study.batches": "چرا واریانس مهم است: دسته‌های کوچک",
    "study.batches_about": "یک خودرمزگذار وردشی (VAE) کوچک و یکسان، بدون نرمال‌سازی دسته‌ای، روی {images:,} تصویر و در {epochs} "
    "دوره آموزش دیده است: تنها برآوردگرِ گرادیانِ متغیر نهان و اندازهٔ دسته فرق می‌کند. واریانس، واریانس گرادیان کل رمزگذار "
    "است و همه‌جا با همان وزن‌های آموزش‌دیده.",
    "table.batches.arms": "همهٔ حالت‌ها به عدد",
    "column.batch": "دسته",
    "column.elbo": "ELBO منفی",
    "column.seconds": "ثانیه",
    "column.signal": "مربع میانگین گرادیان",
    "batches.figure.batches": "ELBO منفی روی دادهٔ اعتبارسنجی، و واریانس گرادیان رمزگذار",
    "batches.axis.size": "اندازهٔ دسته",
    "batches.axis.seconds": "زمان آموزش به ثانیه (خط ضخیم‌تر: دستهٔ بزرگ‌تر)",
    "batches.axis.elbo": "ELBO منفی، نات",
    "batches.axis.variance": "واریانس، مجموع روی وزن‌ها",
    "batches.best": "کمترین ELBO منفی اعتبارسنجی پس از این دوره‌ها، {elbo:.1f} نات، از آنِ برآوردگر {estimator} با دستهٔ {batch_size} "
    "تایی است.",
    "batches.reference": "{estimator}: {elbo_small:.1f} نات با دستهٔ {small} تایی، {elbo_large:.1f} نات با دستهٔ {large} تایی.",
    "batches.estimator": "{estimator}: {elbo_small:.1f} نات با دستهٔ {small} تایی، {elbo_large:.1f} نات با دستهٔ {large} تایی. با "
    "دستهٔ {small} تایی واریانس گرادیان آن {variance_ratio:.3g} برابرِ برآوردگر {reference} است؛ واریانس با بزرگ شدن دسته کم می‌شود، پس "
    "دسته‌ای با حدود {equivalent_batch:.0f} عضو به اندازهٔ برآوردگر {reference} با دستهٔ {small} تایی کم‌نوفه خواهد بود.",
    "study.sweep": "پیمایش ابرپارامترها",
    "study.sweep_about": "همان مدل بارها آموزش دیده و جز گزینه‌های پیموده‌شده چیزی تغییر نکرده است؛ هر عدد روی بخش آزمون است و "
    "میلهٔ آن خطای معیار روی تصویرها.",
    "table.sweep.runs": "همهٔ اجراها به عدد",
    "sweep.figure.terms": "همهٔ سنجه‌ها بر حسب {option}",
    "sweep.rises": "{term} با افزایش {option} همواره بیشتر می‌شود: از {first:.4g} در {from:g} تا {last:.4g} در {to:g}.",
    "sweep.falls": "{term} با افزایش {option} همواره کمتر می‌شود: از {first:.4g} در {from:g} تا {last:.4g} در {to:g}.",
    "sweep.turns": "{term} با افزایش {option} بالا و پایین می‌رود: کمترین مقدار در {least_at:g} ({least:.4g}) و بیشترین در "
    "{greatest_at:g} ({greatest:.4g}).",
    "study.divergences": "واگرایی کوشی–شوارتز",
    "study.divergences_about": "$D_CS(p‖q) = −log(∫pq / √(∫p² ∫q²))$، به شکل بسته برای توزیع‌های گاوسی و آمیخته‌های آن‌ها، در کنار "
    "دو واگرایی KL همان زوج‌ها.",
    "divergences.figure.curves": "دو توزیع نرمال: جدا از نظر میانگین، و جدا از نظر واریانس",
    "divergences.figure.failures": "زوج‌هایی که برای آن‌ها $D_CS ≤ min KL$ نادرست است",
    "divergences.figure.map": "$D_CS$ بر حسب کوچک‌ترین KL برای زوج‌های تصادفی",
    "divergences.axis.distance": "فاصلهٔ میانگین‌ها، $σ = 1$",
    "divergences.axis.ratio": "نسبت واریانس‌ها",
    "divergences.axis.nats": "نات",
    "divergences.axis.density": "چگالی",
    "divergences.axis.scale": "پهنای مؤلفهٔ باریک",
    "divergences.axis.least": "min{{KL(p‖q), KL(q‖p)}}",
    "divergences.legend.cs": "D_CS",
    "divergences.legend.quadrature": "$D_CS$ با انتگرال‌گیری عددی",
    "divergences.legend.kl": "KL(p‖q)",
    "divergences.legend.reverse": "KL(q‖p)",
    "divergences.legend.p": "p",
    "divergences.legend.q": "q",
    "divergences.legend.below": "نامساوی برقرار است",
    "divergences.legend.above": "نامساوی نقض می‌شود",
    "divergences.legend.equal": "تساوی",
    "divergences.pair.squared": "تعریف مربعی: $N(0, 1)$ و $N(3, 2²)$",
    "divergences.pair.mixture": ".7 N(0, 1) + .3 N(0, .05²), N(0, 1)",
    "divergences.shrinking_title": "باریک شدن مؤلفهٔ باریک",
    "divergences.gaussians_title": "توزیع‌های گاوسی",
    "divergences.mixtures_title": "آمیخته‌های دو مؤلفه‌ای",
    "divergences.note": "D_CS {cs:.3f}\nKL(p‖q) {kl:.3f}\nKL(q‖p) {reverse:.3f}",
    "table.divergences.failures": "زوج‌ها به عدد",
    "column.pair": "زوج",
    "column.cs": "D_CS",
    "column.forward": "KL(p‖q)",
    "column.backward": "KL(q‖p)",
    "divergences.closed": "شکل بسته و انتگرال‌گیری عددی حداکثر {error:.1e} نات اختلاف دارند.",
    "divergences.half": "وقتی واریانس‌ها برابرند، $D_CS$ نصف واگرایی KL است (با خطای {error:.1e} نات).",
    "divergences.gaussians": "در میان {n:,} زوج تصادفی از توزیع‌های گاوسی تا {d} بعد، در هیچ‌یک $D_CS$ از کوچک‌ترین KL بیشتر نیست؛ "
    "بزرگ‌ترین نسبت این دو {largest:.3f} است. برای توزیع‌های گاوسی با تعریف نامربعی این یک قضیه است.",
    "divergences.gaussians_fail": "در {above:,} زوج از {n:,} زوج تصادفیِ گاوسی $D_CS$ از کوچک‌ترین KL بیشتر است، حال آنکه قضیه‌ای "
    "این را ناممکن می‌داند: جایی خطایی هست.",
    "divergences.mixtures": "از {n:,} زوج تصادفی از آمیخته‌ها، در {above:,} زوج ({share:.1%}) مقدار $D_CS$ از کوچک‌ترین KL بیشتر "
    "است: این نامساوی برای آمیخته‌ها نادرست است.",
    "divergences.fails_squared": "با تعریف مربعی، نامساوی برای توزیع‌های گاوسی نیز نقض می‌شود: برای $N(0, 1)$ و $N(3, 2²)$ مقدار آن "
    "{cs:.3f} است، بیشتر از کوچک‌ترین KL یعنی {kl:.3f}.",
    "divergences.fails_mixture": "با تعریف نامربعی، نامساوی برای $.7 N(0, 1) + .3 N(0, .05²)$ و $N(0, 1)$ نقض می‌شود: "
    "$D_CS$ برابر {cs:.3f} است و دو KL برابر {kl:.3f} و {other:.3f}.",
    "divergences.shrinking": "وقتی پهنای آن مؤلفهٔ باریک تا {scale:.0e} کم می‌شود، $D_CS$ از {first:.3g} به {last:.3g} می‌رسد و "
    "بی‌کران بالا می‌رود، ولی $KL(q‖p)$ زیر {kl:.3f} می‌ماند: واریانس‌های پیشینِ آموختنی به یک کف نیاز دارند.",
    # --- Choosing β, and whether codes come apart (3d) --------------------------------------------------------------
    "study.beta": "انتخاب $β$",
    "study.beta_about": "آموزش یک VAE به ازای هر یک از {beta} مقدار $β$ و {seeds} بذر تصادفی برای هرکدام، هر آموزش {epochs} دوره، و در کنار آن‌ها "
    "یک σ-VAE (گاوسی با مقیاس آموختنی، بدون $β$). همه‌چیز روی بخش اعتبارسنجی اندازه گرفته می‌شود و به بخش آزمون نگاه نمی‌شود. "
    "معیار: بزرگ‌ترین $β$ که نمونه‌هایش، تا یک خطای معیار، به همان نزدیکیِ نمونه‌های بهترین $β$ به تصویرهای اعتبارسنجی باشند.",
    "table.beta.arms": "همهٔ مقدارهای $β$ به عدد: میانگین روی بذرها، روی بخش اعتبارسنجی",
    "table.beta.sprites": "شکلک‌ها (sprites): MIG و DCI به عدد",
    "column.beta": "β",
    "column.beta_normalised": "β·M/N",
    "column.samples_error": "± در FD نمونه‌ها",
    "beta.sigma_vae": "σ-VAE",
    "beta.chosen": "انتخاب: $β = {beta:g}$ ($β·M/N = {normalised:.2g}$). نزدیک‌ترین نمونه‌ها به تصویرهای اعتبارسنجی از آنِ "
    "$β = {lowest:g}$ است، با {distance} برابر ${least:.2f} ± {least_error:.2f}$؛ بزرگ‌ترین $β$ که در فاصلهٔ یک خطای معیار از آن است "
    "(زیر {threshold:.2f}) مقدار {value:.2f} دارد. کف، {n:,} تصویر آموزش: {floor:.2f}.",
    "beta.chosen_lowest": "انتخاب: $β = {beta:g}$ ($β·M/N = {normalised:.2g}$). نمونه‌هایش نزدیک‌ترین به تصویرهای اعتبارسنجی است، با "
    "{distance} برابر ${value:.2f} ± {error:.2f}$، و هیچ $β$ بزرگ‌تری در فاصلهٔ یک خطای معیار از آن نیست (زیر {threshold:.2f}). "
    "کف، {n:,} تصویر آموزش: {floor:.2f}.",
    "beta.edge": "کمترین فاصله در لبهٔ شبکهٔ مقدارها است، $β = {beta:g}$: شاید بهترین $β$ آن‌سوتر باشد.",
    "beta.others": "بهترین ELBO اعتبارسنجی در $β = {elbo:g}$ و کمترین خطای پیکسل در $β = {mse:g}$ است. هیچ‌یک نمی‌تواند انتخاب کند: "
    "$β = ۱$ همان است که ELBO بنا به شکل خود می‌خواهد، و کوچک‌ترین $β$ بهتر از همه بازسازی می‌کند.",
    "beta.rate": "از $β = {from:g}$ تا {to:g}، نرخ (rate) از {rate_first:.1f} به {rate_last:.1f} نات، اعوجاج (distortion) از "
    "{distortion_first:.1f} به {distortion_last:.1f} و شمار واحدهای فعال از {units_first:.3g} به {units_last:.3g} می‌رسد.",
    "beta.gap": "در $β = {from:g}$ مقدار {distance} نمونه‌ها {samples_first:.2f} و بازسازی‌ها {made_first:.2f} است؛ در $β = {to:g}$ "
    "به ترتیب {samples_last:.2f} و {made_last:.2f}. آنچه بازسازی‌ها دارند تاریِ رمزگشا است؛ آنچه نمونه‌ها افزون بر آن دارند از "
    "کدهایی می‌آید که پیشین می‌دهد و هیچ تصویری ندارد.",
    "beta.sigma_alike": "σ-VAE که $β$ ندارد، به $σ = {sigma:.3f}$، نرخ {rate:.1f} نات و {units:.3g} واحد فعال می‌رسد؛ نمونه‌هایش، با "
    "{distance} برابر ${value:.2f} ± {error:.2f}$، از نمونه‌های $β$ انتخاب‌شده، $β = {beta:g}$، تشخیص‌پذیر نیستند (اختلاف "
    "${difference:.2f} ± {spread:.2f}$).",
    "beta.sigma_better": "σ-VAE که $β$ ندارد، به $σ = {sigma:.3f}$، نرخ {rate:.1f} نات و {units:.3g} واحد فعال می‌رسد؛ نمونه‌هایش، با "
    "{distance} برابر ${value:.2f} ± {error:.2f}$، از نمونه‌های $β$ انتخاب‌شده، $β = {beta:g}$، به اندازهٔ "
    "${difference:.2f} ± {spread:.2f}$ نزدیک‌ترند.",
    "beta.sigma_worse": "σ-VAE که $β$ ندارد، به $σ = {sigma:.3f}$، نرخ {rate:.1f} نات و {units:.3g} واحد فعال می‌رسد؛ نمونه‌هایش، با "
    "{distance} برابر ${value:.2f} ± {error:.2f}$، از نمونه‌های $β$ انتخاب‌شده، $β = {beta:g}$، به اندازهٔ "
    "${difference:.2f} ± {spread:.2f}$ دورترند.",
    "beta.apart": "روی شکلک‌ها بیشترین {term} در $β = {best:g}$ ($β·M/N = {normalised:.2g}$) است: ${highest:.2f} ± {error:.2f}$؛ "
    "کمترین در $β = {worst:g}$: ${lowest:.2f} ± {lowest_error:.2f}$.",
    "beta.apart_one": "روی شکلک‌ها بیشترین {term} در $β = {best:g}$ ($β·M/N = {normalised:.2g}$) است: {highest:.2f}؛ کمترین در "
    "$β = {worst:g}$: {lowest:.2f}. تنها یک بذر: بدون خطا.",
    "beta.factors": "شکاف هر عامل به‌تنهایی در $β = {beta:g}$: {factors}.",
    "beta.informed": "عاملی که در $β = {beta:g}$ کمتر از همه از روی کدها خوانده می‌شود {factor} است (آگاهی‌بخشی {value:.2f}).",
    "beta.samples_images": "ده نمونه از هرکدام، بذر نخست؛ از بالا: {betas}",
    "beta.samples_sprites": "شکلک‌ها: ده نمونه از هر $β$، بذر نخست؛ از بالا: {betas}",
    "beta.traversal_images": "{told}: هر یک از {units} واحد فعال از $−۳$ تا ۳، فعال‌ترین در بالا",
    "beta.traversal_sprites": "شکلک‌ها، {told}: هر یک از {units} واحد فعال از $−۳$ تا ۳، فعال‌ترین در بالا",
    "beta.figure.choice": "فاصله از تصویرهای اعتبارسنجی بر حسب $β$، و ELBO",
    "beta.figure.rates": "نرخ، اعوجاج و واحدهای فعال",
    "beta.figure.disentanglement": "شکلک‌ها: جداسازی کدها بر حسب $β$",
    "beta.axis.beta": "β",
    "beta.axis.normalised": "β·M/N",
    "beta.axis.rate": "نرخ: KL از پیشین، نات",
    "beta.panel.fd": "FD روی ویژگی‌های یک دسته‌بند",
    "beta.panel.fid": "FID",
    "beta.panel.kid": "KID",
    "beta.panel.elbo": "ELBO منفی، نات",
    "beta.panel.reconstruction": "اعوجاج: بازسازی، نات",
    "beta.panel.pixel_mse": "اعوجاج: مربع خطای پیکسل",
    "beta.panel.active_units": "واحدهای فعال",
    "beta.panel.mig": "شکاف اطلاعات متقابل (MIG)",
    "beta.panel.mig_factors": "MIG هر عامل",
    "beta.panel.dci": "DCI",
    "beta.legend.samples": "نمونه‌ها",
    "beta.legend.reconstructions": "بازسازی‌ها",
    "beta.legend.elbo": "ELBO منفی",
    "beta.legend.sigma": "همان برای σ-VAE",
    "beta.legend.floor": "کف: تصویرهای آموزش",
    "beta.legend.chosen": "انتخاب‌شده: $β = {beta:g}$",
    "beta.legend.beta_vae": "β-VAE، هر یک با $β$ خود",
    "beta.at": "$β = {beta:g}$",
    "beta.factor_gap": "{factor} {value:.2f}",
    "beta.factor.shape": "شکل",
    "beta.factor.scale": "اندازه",
    "beta.factor.rotation": "چرخش",
    "beta.factor.x": "جای افقی",
    "beta.factor.y": "جای عمودی",
    "label.mig": "MIG",
    "label.mig_shape": "MIG شکل",
    "label.mig_scale": "MIG اندازه",
    "label.mig_rotation": "MIG چرخش",
    "label.mig_x": "MIG جای افقی",
    "label.mig_y": "MIG جای عمودی",
    "label.disentanglement": "جداسازی",
    "label.completeness": "کامل بودن",
    "label.informativeness": "آگاهی‌بخشی",
    "term.disentanglement": "جداسازی (DCI)",
    # --- What each metric sees (3f, 3h) -----------------------------------------------------------------------------
    "study.metrics": "هر سنجهٔ تصویر چه می‌بیند",
    "study.metrics_about": "{n:,} تصویر اعتبارسنجی در برابر {n:,} تصویر آموزش، دست‌نخورده و خراب‌شده به شیوه‌های معلوم، روی همان "
    "ویژگی‌ها. سنجه یک نوع خرابی را آنجا می‌بیند که از مقدارِ {repeats} مجموعهٔ دست‌نخورده بیش از آن دور شود که تصادف در هزار بار "
    "یک بار می‌کند (آزمون $t$ استیودنت).",
    "table.metrics.sees": "کدام سنجه چه چیزی را می‌بیند، و از کجا به بعد",
    "table.metrics.values": "همهٔ عددها",
    "table.metrics.protocols": "FID تصویرهای دست‌نخورده: تصویرهای اعتبارسنجی با شیوه‌نامهٔ سطر، تصویرهای آموزش با شیوه‌نامهٔ ستون",
    "column.metric": "سنجه",
    "column.spoilt": "تصویرها",
    "column.protocol": "شیوه‌نامه",
    "column.metrics_blur": "تاری",
    "column.metrics_noise": "نوفه",
    "column.metrics_modes": "حذف رده‌ها",
    "column.metrics_copies": "رونوشت",
    "column.metrics_fewer": "تصویر کمتر",
    "column.metrics_resize": "تغییر اندازه و بازگشت",
    "column.metrics_fd": "FD",
    "column.metrics_fid": "FID",
    "column.metrics_kid": "KID",
    "column.metrics_precision": "صحت",
    "column.metrics_recall": "بازیابی",
    "column.metrics_density": "چگالی",
    "column.metrics_coverage": "پوشش",
    "column.metrics_sliced_wasserstein": "واسرشتاین برشی",
    "metrics.name.fd": "FD",
    "metrics.name.fid": "FID",
    "metrics.name.kid": "KID",
    "metrics.name.precision": "صحت (precision)",
    "metrics.name.recall": "بازیابی (recall)",
    "metrics.name.density": "چگالی (density)",
    "metrics.name.coverage": "پوشش (coverage)",
    "metrics.name.sliced_wasserstein": "واسرشتاین برشی",
    "metrics.kind.blur": "تاری",
    "metrics.kind.noise": "نوفه",
    "metrics.kind.modes": "حذف رده‌ها",
    "metrics.kind.copies": "رونوشت‌ها",
    "metrics.kind.fewer": "تصویر کمتر",
    "metrics.kind.resize": "تغییر اندازه",
    "metrics.kind.floor": "دست‌نخورده",
    "metrics.level.blur": "$σ = {level} px$",
    "metrics.level.noise": "$σ = {level}$",
    "metrics.level.modes": "حذف {level} رده",
    "metrics.level.copies": "{level} بار از هرکدام",
    "metrics.level.fewer": "$n/{level}$",
    "metrics.level.resize": "{level}",
    "metrics.row": "{kind}: {level}",
    "metrics.cell.worse": "از {level}",
    "metrics.cell.better": "بهتر، از {level}",
    "metrics.cell.worse_each": "{levels}",
    "metrics.cell.better_each": "بهتر: {levels}",
    "metrics.cell.blind": "–",
    "metrics.reconstructions": "بازسازی‌ها",
    "metrics.samples": "نمونه‌ها",
    "metrics.worse": "{metric} بدتر می‌شود با: {kinds}.",
    "metrics.better": "{metric} فریب می‌خورد و بهتر می‌شود با: {kinds}.",
    "metrics.blind": "{metric} این‌ها را از تصادف تشخیص نمی‌دهد: {kinds}.",
    "metrics.bias": "{metric} تصویرهای دست‌نخورده در $n = {n:,}$ برابر {whole:.2f} و در $n = {few:,}$ برابر {part:.2f} است: اریبی رو "
    "به بالا دارد. KID که بنا به شکل خود نااریب است، {kid_whole:.4f} و ${kid_part:.4f} ± {kid_error:.4f}$ دارد.",
    "metrics.like_blur": "{which} (از VAE) مقدار {metric} برابر {value:.2f} دارند، همان که تصویرهای آموزشِ تارشده با $σ = {blur:.2f}$ پیکسل "
    "دارند؛ صحت {precision:.2f}، بازیابی {recall:.2f}، پوشش {coverage:.2f}.",
    "metrics.beyond_blur": "{which} (از VAE) مقدار {metric} برابر {value:.2f} دارند، بیشتر از تصویرهای آموزشِ تارشده با $σ = {blur:.2f}$ "
    "پیکسل؛ صحت {precision:.2f}، بازیابی {recall:.2f}، پوشش {coverage:.2f}.",
    "metrics.protocols": "تصویرهای دست‌نخورده، $n = {n:,}$: FID از {low:.1f} تا {high:.1f} است اگر هر دو مجموعه با یک شیوه‌نامه آماده "
    "شوند، و از {least:.1f} تا {most:.1f} اگر با دو شیوه‌نامه (بیشترین: {one} در برابر {other}). امتیازهای دو شیوه‌نامه را نباید با هم "
    "مقایسه کرد.",
    "metrics.sheet": "دست‌نخورده؛ تاری با $σ = {blur}$ پیکسل؛ نوفه با $σ = {noise}$؛ تغییر اندازه به ۵/۷ و بازگشت: {resize}",
    "metrics.figure.sees": "همهٔ سنجه‌ها بر حسب شدتِ کاری که با تصویرها می‌شود",
    "metrics.axis.strength": "شدت (۰: دست‌نخورده)",
    "metrics.panel.lower": "{metric} (کمتر بهتر)",
    "metrics.panel.higher": "{metric} (بیشتر بهتر)",
    "metrics.legend.blur": "تاری: $σ {levels} px$",
    "metrics.legend.noise": "نوفه: $σ {levels}$",
    "metrics.legend.modes": "رده‌های حذف‌شده: {levels}",
    "metrics.legend.copies": "رونوشت از هرکدام: {levels}",
    "metrics.legend.fewer": "تصویر کمتر: $n$ بر {levels}",
    "metrics.legend.resize": "تغییر اندازه با روش: {levels}",
    "metrics.legend.floor": "دست‌نخورده، و آنچه تصادف می‌کند",
    "metrics.legend.reconstructions": "بازسازی‌های یک VAE",
    "metrics.legend.samples": "نمونه‌های یک VAE",
    "term.completeness": "کامل بودن",
    "term.informativeness": "آگاهی‌بخشی",
    # --- A page -----------------------------------------------------------------------------------------------------
    "page.contents": "فهرست",
    "page.theme": "رنگ‌ها",
    "page.theme_auto": "خودکار",
    "page.theme_light": "روشن",
    "page.theme_dark": "تیره",
    "page.made": "ساختهٔ ارژنگ (Arzhang) نسخهٔ {version} از پرونده‌های اجراهای آن. این صفحه چیزی از شبکه نمی‌خواهد.",
    "page.assignment": "تمرین ${id}$",
    "page.language": "فارسی",
    "page.panel": "قاب {n}",
    "page.panel_alt": "{panel}: از {low:.3g} تا {high:.3g}.",
    # --- The assignment, id by id -----------------------------------------------------------------------------------
    "assignment.title": "مدل‌های مولد، با اندازه‌گیری و توضیح",
    "assignment.problem_1": "۱. مشتق امید ریاضی",
    "assignment.problem_2": "۲. یک واگرایی دیگر",
    "assignment.problem_3": "۳. یک β-VAE روی Fashion-MNIST",
    "assignment.problem_4": "۴. pix2pix، نظریه",
    "assignment.problem_5": "۵. pix2pix، پیاده‌سازی",
    "assignment.about": "دربارهٔ این صفحه",
    "assignment.question": "چه خواسته شده است",
    "assignment.explanation": "توضیح",
    "assignment.experiment": "آزمایش",
    "assignment.conclusion": "عددها چه می‌گویند",
    "assignment.guess": "به آزمایش نگاه کنید و حدس بزنید چه می‌گوید؛ سپس این را باز کنید",
    "assignment.settings": "فرمان و ابرپارامترها",
    "assignment.settings_elsewhere": "ابرپارامترهای آنچه اینجا نشان داده شده در {ids} آمده است.",
    "assignment.nothing_yet": "بخش «{part}» هنوز ساخته نشده است؛ این فرمان آن را، و هرچه به آن نیاز دارد، می‌سازد:",
    "assignment.running": "بخش «{part}» هم‌اکنون در حال ساخته شدن است. اگر دیگر چیزی اجرا نمی‌شود، این فرمان کار را پی می‌گیرد:",
    "assignment.failed": "بخش «{part}» ناموفق بود: {error} این فرمان کار را پی می‌گیرد:",
    "assignment.no_conclusion": "عددها هنوز آماده نیستند.",
    "assignment.source": "کد: {name}",
    "assignment.encoder": "رمزگذار (فضای نهان ۳۲ بعدی، بدون سرهایش)",
    "assignment.decoder": "رمزگشا",
    "assignment.generator": "مولد pix2pix",
    "assignment.discriminator": "تمایزگر pix2pix",
    "assignment.ordinary": "تمایزگری معمولی، از یک GAN برای تصویرهای رنگی $64×64$",
    "assignment.layers": "{name}، بلوک به بلوک",
    "assignment.weights": "{name} دارای {weights:,} وزن است (${size}×{size}$ پیکسل).",
    "assignment.patches": "در ${size}×{size}$ پیکسل، {name} به تعداد {outputs} عدد می‌دهد و هرکدام ${sees}×{sees}$ پیکسل را می‌بیند.",
    "assignment.blocks": "{name} در ${size}×{size}$ پیکسل {blocks} بلوک دارد؛ باریک‌ترین نقشهٔ آن {narrowest} است.",
    "assignment.first_loss": "در {step} گام نخست، زیان تمایزگر (میانگین واقعی و ساختگی) به طور میانگین {loss:.3f} است؛ سکه انداختن "
    "$log 2 = {coin:.3f}$ دارد.",
    "assignment.pairs_alt": "سه سطر، در هرکدام آنچه داده می‌شود و تصویری که به آن تعلق دارد",
    "assignment.no_part": "این بودجه بخشی ندارد که با عدد به آن پاسخ دهد.",
    "assignment.pairs_caption_5a": "سه زوج از مجموعهٔ آموزش: آنچه داده می‌شود، و آنچه باید از آن ساخته شود.",
    "assignment.pairs_caption_4b": "سه پوشاک و لبه‌هایشان: آنچه داده می‌شود، و آنچه باید از آن ساخته شود.",
    "assignment.pairs_4b": "لبه‌ها {share:.0%} پیکسل‌های این پوشاک‌اند؛ سایه‌روشن و بافتِ میان آن‌ها نامعین می‌ماند.",
    "assignment.pairs_5a": "{title}: {train:,} زوج برای آموزش، {validation:,} برای اعتبارسنجی، {test:,} برای آزمون، ${width}×{height}$ "
    "پیکسلی؛ هیچ زوجی در دو بخش نیست.",
    "assignment.seeds": "میانگین روی {n} بذر تصادفی",
    "assignment.total": "روی هم",
    "assignment.parts_title": "بخش‌ها، و زمان هرکدام",
    "assignment.parts_about": "ساخته‌شده با $--budget {budget}$ روی {machine}. سهم‌ها از آنِ بودجهٔ quick روی دو هسته است، روی هم "
    "{total:.0f} ثانیه؛ ثانیه‌های بخش‌هایی که متوقف و سپس دنبال شده‌اند با هم جمع شده است.",
    "assignment.part": "بخش",
    "assignment.ids": "شناسه‌ها",
    "assignment.share": "سهم، ثانیه",
    "assignment.taken": "زمان، ثانیه",
    "assignment.state": "وضعیت",
    "assignment.state_missing": "هنوز ساخته نشده",
    "assignment.state_running": "در حال ساخته شدن",
    "assignment.state_done": "انجام شد",
    "assignment.state_failed": "ناموفق",
    "assignment.state_blocked": "در انتظار بخشی دیگر",
    "assignment.published": "انتشارهای واردشده تا کنون: {n}.",
    "assignment.publish_how": "هنوز چیزی وارد نشده است. منتشر کنید (متن بالا می‌گوید چگونه)، سپس هر پیوند و اگر خواستید تصویر صفحه را در "
    "{file} وارد کنید؛ اجرای بعدی $arzhang reproduce$ آن‌ها را اینجا نشان می‌دهد.",
    "assignment.publish_no_picture": "{name}: تصویر صفحهٔ {file} آنجا نیست یا PNG نیست.",
    # --- Names of what a run logs and measures ----------------------------------------------------------------------
    "system.vae": "β-VAE",
    "system.cs_vae": "VAE با واگرایی کوشی–شوارتز",
    "label.loss": "زیان",
    "label.reconstruction": "بازسازی",
    "label.kl": "KL از پیشین",
    "label.negative_elbo": "ELBO منفی",
    "label.lr": "نرخ یادگیری",
    "label.log_likelihood": "$log p(x)$، با وزن‌دهی اهمیت",
    "label.bits_per_dimension": "بیت بر بعد",
    "label.active_units": "واحدهای نهان فعال",
    "label.pixel_mse": "مربع خطای پیکسل",
    "label.pixel_mae": "قدر مطلق خطای پیکسل",
    "label.fid_reconstructions": "FID بازسازی‌ها",
    "label.fid_samples": "FID نمونه‌ها",
    "label.fid_floor": "کف FID: تصویرهای آموزش",
    "label.fid_infinity_reconstructions": "$FID∞$ بازسازی‌ها",
    "label.fid_infinity_samples": "$FID∞$ نمونه‌ها",
    "label.fid_infinity_floor": "کف $FID∞$: تصویرهای آموزش",
    "label.fd_reconstructions": "FD بازسازی‌ها، روی ویژگی‌های یک دسته‌بند",
    "label.fd_samples": "FD نمونه‌ها، روی ویژگی‌های یک دسته‌بند",
    "label.fd_floor": "کف FD: تصویرهای آموزش",
    "label.accuracy": "دقت",
    "label.cross_entropy": "آنتروپی متقاطع",
    "system.classifier": "دسته‌بند",
    "label.kid_reconstructions": "KID بازسازی‌ها",
    "label.kid_samples": "KID نمونه‌ها",
    "label.kid_floor": "کف KID: تصویرهای آموزش",
    "label.precision_reconstructions": "صحت (precision) بازسازی‌ها",
    "label.precision_samples": "صحت (precision) نمونه‌ها",
    "label.precision_floor": "مبنای صحت: تصویرهای آموزش",
    "label.recall_reconstructions": "بازیابی (recall) بازسازی‌ها",
    "label.recall_samples": "بازیابی (recall) نمونه‌ها",
    "label.recall_floor": "مبنای بازیابی: تصویرهای آموزش",
    "label.density_reconstructions": "چگالی (density) بازسازی‌ها",
    "label.density_samples": "چگالی (density) نمونه‌ها",
    "label.density_floor": "مبنای چگالی: تصویرهای آموزش",
    "label.coverage_reconstructions": "پوشش (coverage) بازسازی‌ها",
    "label.coverage_samples": "پوشش (coverage) نمونه‌ها",
    "label.coverage_floor": "مبنای پوشش: تصویرهای آموزش",
    "label.sliced_wasserstein_reconstructions": "فاصلهٔ واسرشتاین برشی بازسازی‌ها",
    "label.sliced_wasserstein_samples": "فاصلهٔ واسرشتاین برشی نمونه‌ها",
    "label.sliced_wasserstein_floor": "کف فاصلهٔ واسرشتاین برشی: تصویرهای آموزش",
    "label.cauchy_schwarz": "$D_CS$ از پیشین",
    "label.effective_samples": "نمونه‌های مؤثر $log p(x)$",
    "label.objective": "تابع هدف: بازسازی + $λ$ × واگرایی",
    "label.posterior_gap": "شکاف، $KL(q ‖ p(z|x))$",
    "label.components_used": "مؤلفه‌های به‌کاررفته",
    "label.components_entropy": "آنتروپی کاربرد مؤلفه‌ها",
    "label.component_accuracy": "دقت خوشه‌بندی مؤلفه‌ها",
    "label.component_nmi": "اطلاعات متقابل مؤلفه‌ها و رده‌ها",
    "label.kmeans_accuracy": "دقت خوشه‌بندی k-means روی کدها",
    "label.kmeans_nmi": "اطلاعات متقابل خوشه‌های k-means و رده‌ها",
    "label.d_real": "تمایزگر روی تصویرهای واقعی",
    "label.d_fake": "تمایزگر روی تصویرهای ساختگی",
    "label.d_accuracy": "دقت تمایزگر",
    "label.g_adversarial": "مولد: بازی",
    "label.g_cycle": "مولدها: L1 رفت و برگشت",
    "label.g_identity": "مولدها: L1 آنچه باید بماند",
    "label.cycle_l1": "L1 رفت و برگشت",
    "label.cycle_l1_inputs": "L1 رفت و برگشت: ورودی‌ها",
    "label.cycle_l1_images": "L1 رفت و برگشت: تصویرها",
    "term.cycle_l1": "L1 رفت و برگشت",
    "label.g_l1": "مولد: L1",
    "label.l1": "L1",
    "label.mse": "میانگین مربع خطا",
    "label.psnr": "PSNR",
    "label.ssim": "SSIM",
    "label.ms_ssim": "MS-SSIM",
    "label.lpips": "LPIPS",
    "label.kid": "KID تصویرهای ساختگی",
    "label.made_variety": "تنوع تصویرهای ساختگی",
    "label.real_variety": "تنوع تصویرهای واقعی",
    "label.variety": "تنوع با dropout",
    "label.fid_made": "FID تصویرهای ساختگی",
    "label.fd_made": "FD تصویرهای ساختگی",
    "label.kid_made": "KID تصویرهای ساختگی",
    "label.pixel_accuracy": "دقت پیکسلی",
    "label.class_accuracy": "دقت رده‌ای",
    "label.class_iou": "IoU رده‌ای",
    "label.pixel_accuracy_made": "امتیاز FCN: دقت پیکسلی روی تصویرهای ساختگی",
    "label.pixel_accuracy_real": "امتیاز FCN: دقت پیکسلی روی تصویرهای واقعی",
    "label.pixel_accuracy_grey": "امتیاز FCN: دقت پیکسلی روی خاکستری یکنواخت",
    "label.class_accuracy_made": "امتیاز FCN: دقت رده‌ای روی تصویرهای ساختگی",
    "label.class_accuracy_real": "امتیاز FCN: دقت رده‌ای روی تصویرهای واقعی",
    "label.class_accuracy_grey": "امتیاز FCN: دقت رده‌ای روی خاکستری یکنواخت",
    "label.class_iou_made": "امتیاز FCN: IoU رده‌ای روی تصویرهای ساختگی",
    "label.class_iou_real": "امتیاز FCN: IoU رده‌ای روی تصویرهای واقعی",
    "label.class_iou_grey": "امتیاز FCN: IoU رده‌ای روی خاکستری یکنواخت",
    "label.told_samples": "نمونه‌هایی که دسته‌بند از ردهٔ خواسته‌شده می‌داند",
    "label.told_real": "دقت دسته‌بند روی تصویرهای آزمون",
    "system.pix2pix": "pix2pix",
    "option.beta": "وزن واگرایی، $β$ یا $λ$",
    "system.segmenter": "قطعه‌بند",
    "system.l1_alone": "L1 تنها",
    "system.cyclegan": "CycleGAN",
    "system.gan": "GAN",
    "system.cgan": "GAN شرطی",
    "term.l1": "L1",
    "unit.nats": "نات",
    "unit.grey_range": "بازهٔ خاکستری",
    "term.loss": "زیان",
    "term.negative_elbo": "ELBO منفی",
    # --- Health: what a log says, with what to do ---------------------------------------------------------------------
    "health.data_range": "تصویرها از {lowest:.4g} تا {highest:.4g} گسترده‌اند (نخستین دستهٔ دورهٔ {epoch})، حال آنکه "
    "اینجا همه چیز بازهٔ $[0, 1]$ را می‌پذیرد.",
    "health.data_range.cause": "به احتمال زیاد بایت‌هایی هستند که بر ۲۵۵ تقسیم نشده‌اند، یا پیش از رسیدن به اینجا به "
    "$[−1, 1]$ برده شده‌اند.",
    "health.data_range.remedy": "آن‌ها را یک بار، همان‌جا که خوانده می‌شوند، به $[0, 1]$ ببرید: درست‌نمایی برنولی "
    "بیرون از این بازه بی‌معنا است، و بازی‌ها خودشان تصویرها را جابه‌جا می‌کنند.",
    "health.data_narrow": "تصویرها تنها از {lowest:.4g} تا {highest:.4g} گسترده‌اند، که بخش بسیار ناچیزی از $[0, 1]$ "
    "است.",
    "health.data_narrow.cause": "به احتمال زیاد دو بار بر ۲۵۵ تقسیم شده‌اند.",
    "health.data_narrow.remedy": "آن‌ها را یک بار، همان‌جا که خوانده می‌شوند، به $[0, 1]$ ببرید؛ $arzhang data show$ "
    "آنچه را که آموزش می‌بیند رسم می‌کند.",
    "health.gradient_leaks": "در گام {step:,} (دورهٔ {epoch}) نوبت {turn} روی وزن‌های بازیکن دیگر گرادیان به جا گذاشت.",
    "health.gradient_leaks.cause": "به احتمال زیاد یک $detach$ جا افتاده است: تصویرهای ساختگی باید پیش از زیان تمایزگر "
    "از گراف جدا شوند، یا وزن‌های بازیکن دیگر در این نوبت ثابت بمانند.",
    "health.gradient_leaks.remedy": "به تمایزگر $made.detach()$ بدهید، و به هر نوبت تنها پیمانه‌هایی را که به‌روز می‌کند.",
    "health.diverged": "در {step:,} گامی که تا دورهٔ {epoch} برداشته شد، با نرخ یادگیری {lr:g}، زیان نامتناهی شد یا "
    "دیگر عدد نبود.",
    "health.diverged.cause": "به احتمال زیاد نرخ یادگیری بیش از اندازه است، چنان‌که یک گام وزن‌ها را به دوردست پرتاب "
    "می‌کند.",
    "health.diverged.remedy": "با یک‌دهم $--lr$، یا با $--clip 1$، از نو آغاز کنید.",
    "health.learns_nothing": "آنتروپی متقاطع در دورهٔ {epoch} برابر {loss:.3f} نات است، حال آنکه حدس زدن {guess:.3f} "
    "نات هزینه دارد.",
    "health.learns_nothing.cause": "به احتمال زیاد نرخ یادگیری ({lr:g}) بیش از اندازه است: گام‌های نخست واحدهای شبکه "
    "را برای همیشه خاموش می‌کنند. یا برچسب‌ها از آنِ تصویرهای خود نیستند.",
    "health.learns_nothing.remedy": "با یک‌دهم $--lr$ از نو آغاز کنید؛ ببینید برچسب‌ها درست‌اند یا نه ($arzhang data "
    "show$).",
    "health.loss_rises": "زیان آموزش تا {before:.4g} پایین آمده بود و در دورهٔ {epoch}، با نرخ یادگیری {lr:g}، برابر "
    "{after:.4g} است.",
    "health.loss_rises.cause": "به احتمال زیاد نرخ یادگیری بیش از اندازه است: گام‌ها از روی دره‌ای که باید در آن پایین "
    "بروند می‌پرند.",
    "health.loss_rises.remedy": "با یک‌سوم یا یک‌دهم $--lr$، یا با $--schedule cosine$، از نو آغاز کنید.",
    "health.bound_broken": "در دورهٔ {epoch}، $log p(x)$ که با نمونه‌گیری اهمیت برآورد شده است، به اندازهٔ "
    "${gap:.2f} ± {error:.2f}$ نات زیر ELBO است، حال آنکه ELBO کران پایین آن است: بازسازی یا KL آن نیست که باید باشد.",
    "health.bound_broken.cause": "به احتمال زیاد KL میانگینی روی {dimensions} بعد نهان است، به جای آنکه جمع باشد "
    "(اکنون {kl:.3g} نات است و جمع {dimensions} برابر آن می‌شد)، یا بازسازی میانگینی روی پیکسل‌ها است.",
    "health.bound_broken.remedy": "هر دو را روی پیکسل‌ها و بعدهای یک تصویر جمع بزنید و تنها روی دسته میانگین بگیرید؛ "
    "جای وزن KL در $--beta$ است.",
    "health.posterior_collapse": "پسین فروپاشیده است: $KL(q‖p)$ در دورهٔ {epoch} برابر {kl:.3f} نات بر تصویر است، پس "
    "متغیر نهان کم‌وبیش هیچ چیزی دربارهٔ تصویر نمی‌گوید.",
    "health.posterior_collapse.cause": "به احتمال زیاد وزن KL در برابر بازسازی بیش از اندازه است ($--beta {weight:g}$؛ "
    "یا $--sigma$ بزرگی)، یا پیش از آنکه رمزگشا گوش دادن بیاموزد با همهٔ وزن خود به کار افتاده است.",
    "health.posterior_collapse.remedy": "$--beta$ کوچک‌تر، $--kl-warmup$ در چند دوره، یا برای درست‌نمایی گاوسی "
    "$--sigma learned$.",
    "health.discriminator_saturated": "تمایزگر اشباع شده است: در دورهٔ {epoch} توانسته {accuracy:.1%} از واقعی‌ها و "
    "ساختگی‌ها را با زیان {loss:.3f} از هم جدا کند.",
    "health.discriminator_saturated.cause": "تندتر از مولد می‌آموزد، و آنگاه از بازی چیز زیادی به مولد نمی‌رسد.",
    "health.discriminator_saturated.remedy": "اگر تصویرها بهتر نمی‌شوند: $--adversarial lsgan$ یا $hinge$، نرخ یادگیری "
    "کمتر، دادهٔ بیشتر، یا برای تمایزگر تکه‌ای $--receptive-field$ کوچک‌تر.",
    "health.discriminator_guesses": "تمایزگر حدس می‌زند: در دورهٔ {epoch} در {accuracy:.1%} موارد درست گفته است.",
    "health.discriminator_guesses.cause": "یا تصویرها به همان خوبی‌اند، که از خودشان پیدا است، یا کندتر از آن می‌آموزد "
    "که چیزی به مولد یاد بدهد.",
    "health.discriminator_guesses.remedy": "اگر تصویرها بدند: تمایزگری پهن‌تر ($--width$)، $--norm batch$، یا نرخ "
    "یادگیری کمتر برای مولد.",
    "health.generator_collapsed": "مولد فروپاشیده است: تصویرهایش به اندازهٔ {made:.3f} از میانگین خود فاصله دارند و "
    "تصویرهای واقعی {real:.3f} ({share:.0%}).",
    "health.generator_collapsed.cause": "هرچه به آن بدهند کم‌وبیش یک تصویر می‌سازد: یا تصویری که تمایزگر می‌پذیرد، یا "
    "تصویری که از آن چیزی نیاموخته است.",
    "health.generator_collapsed.remedy": "با نرخ یادگیری کمتر، یا آنجا که جملهٔ L1 هست با وزن بیشتر آن، از نو آغاز "
    "کنید.",
    "health.l1_flat": "L1 درجا می‌زند، در دورهٔ {since} برابر {middle:.4f} و اکنون {last:.4f}، به اندازه‌ای که یک تصویر یکسان "
    "برای همهٔ ورودی‌ها هزینه داشت ({variety:.4f}).",
    "health.l1_flat.cause": "شاید ورودی‌ها و تصویرها از آنِ هم نیستند، یا مولد یاد نمی‌گیرد؛ یا ورودی از رنگ‌ها و نور "
    "تصویر چیزی نمی‌گوید.",
    "health.l1_flat.remedy": "ببینید زوج‌ها به‌راستی زوج هستند و کدام نیمه داده می‌شود ($arzhang data show$ و $--direction$)؛ سپس "
    "$--lr$ یا $--l1-weight$ بزرگ‌تر.",
    "health.overfitting": "بیش‌برازش: کمترین {term} اعتبارسنجی در دورهٔ {best} بود ({validation_best:.4g}) و در دورهٔ "
    "{last} برابر {validation_last:.4g} است، حال آنکه در آموزش از {train_best:.4g} به {train_last:.4g} کاهش یافت.",
    "health.overfitting.cause": "شبکه تصویرهای آموزش را از بر می‌کند: شمار آن‌ها کم است، یا دوره‌ها زیادند. (در بازی، "
    "L1 با تیزتر شدن تصویرها نیز اندکی بالا می‌رود؛ KID می‌گوید کدام است.)",
    "health.overfitting.remedy": "دادهٔ بیشتر، جابه‌جایی تصادفی و آینه‌ای کردن، dropout، یا دوره‌های کمتر؛ بهترین "
    "نقطهٔ بازیابی نگه داشته می‌شود.",
    # --- A run: what was trained ------------------------------------------------------------------------------------
    "run.title": "{system} روی {dataset}",
    "run.setup": "چه چیزی آموزش دید، و با چه",
    "run.setup_images": "{system} روی {dataset}، {train:,} تصویر ${width}×{height}$ پیکسلی ({channels}).",
    "run.setup_course": "{epochs} دوره با دسته‌های {batch_size} تایی: {steps:,} گام در {duration}، با Adam و نرخ یادگیری {lr:g} "
    "({schedule}).",
    "run.setup_vae": "$β = {beta:g}$، فضای نهان {latent_dim} بعدی، درست‌نمایی {likelihood}.",
    "run.setup_prior": "پیشین آمیخته‌ای از {components} گاوسی است، واگرایی از آن {divergence} با وزن $λ = {beta:g}$؛ فضای نهان "
    "{latent_dim} بعدی، درست‌نمایی {likelihood}.",
    "run.not_a_bound": "با $D_CS$ تابع هدف به ازای هیچ $λ$ کرانی برای $log p(x)$ نیست، زیرا KL می‌تواند هر چند برابرِ $D_CS$ باشد؛ "
    "ELBO منفی که کنار آن آمده از همان مدل با KL است.",
    "run.setup_result": "روی {n:,} تصویر آزمون، ELBO منفی {value} نات بر تصویر شد.",
    "run.setup_unfinished": "تاکنون {done} دوره از {epochs} دوره آموزش دیده است؛ صفحه اجرا را تا آنجا نشان می‌دهد.",
    "run.setup_not_begun": "هنوز هیچ دوره‌ای به پایان نرسیده است.",
    "run.setup_unreadable": "خط‌هایی از metrics.jsonl که خوانده نشد و کنار گذاشته شد: {n}.",
    "run.channels_1": "خاکستری",
    "run.channels_3": "رنگی",
    "run.channels": "{n} کانال",
    "run.data": "داده",
    "run.checksum": "SHA-256",
    "run.parts": "بخش‌ها",
    "run.part_sizes": "{train:,} برای آموزش، {validation:,} برای اعتبارسنجی، {test:,} برای آزمون",
    "run.pixels": "پیکسل‌ها",
    "run.pixels_levels": "{levels:,} سطح، در پرونده‌ها از {low:g} تا {high:g} و در مدل از ۰ تا ۱",
    "run.pixels_fractions": "اعشاری، در پرونده‌ها از {low:g} تا {high:g} و در مدل از ۰ تا ۱",
    "run.machine": "ماشین",
    "run.versions": "نسخه‌ها",
    "run.folder": "اجرا",
    "run.seconds": "{s:.0f} ثانیه",
    "run.minutes": "{m} دقیقه و {s:.0f} ثانیه",
    "run.hours": "{h} ساعت و {m} دقیقه",
    "run.setup_game_both": "یک U-Net با پهنای {width} تصویر می‌سازد، یک PatchGAN که {receptive_field} پیکسل را یک‌جا می‌بیند دربارهٔ "
    "آن‌ها داوری می‌کند (زیان {adversarial})، و $λ = {l1_weight:g}$ وزن جملهٔ L1 است؛ dropout با نرخ {dropout:g} کار نوفه را می‌کند.",
    "run.setup_game_l1": "یک U-Net با پهنای {width} تنها با جملهٔ L1 تصویر می‌سازد: بدون تمایزگر.",
    "run.setup_game_gan": "یک U-Net با پهنای {width} تنها با بازی تصویر می‌سازد (زیان {adversarial}، یک PatchGAN که {receptive_field} "
    "پیکسل را یک‌جا می‌بیند): بدون جملهٔ L1.",
    "run.setup_cyclegan": "دو مولد با پهنای {width} رفت و برگشت ترجمه می‌کنند و دو PatchGAN که {receptive_field} پیکسل را یک‌جا می‌بینند "
    "دربارهٔ ساخته‌هایشان داوری می‌کنند (زیان {adversarial}، مخزنی از {pool} تصویر پیشین)؛ $λ = {cycle_weight:g}$ وزن رفت و برگشت است و "
    "{identity_weight:g} برابرِ آن وزن آنچه باید همان بماند.",
    "run.setup_gan": "یک مولد با پهنای {width} از {latent_dim} عددِ نوفه تصویر می‌سازد و یک تمایزگر با نرمال‌سازی {norm} دربارهٔ آن‌ها "
    "داوری می‌کند (زیان {adversarial}).",
    # --- A run: its curves ------------------------------------------------------------------------------------------
    "run.curves": "زیان و جمله‌های آن در طول آموزش",
    "run.curves_missing": "هنوز زیانی ثبت نشده است.",
    "run.epoch": "دوره",
    "run.step": "گام",
    "run.nats": "نات بر تصویر",
    "run.training": "آموزش، هر نقطه میانگین حداکثر {every} گام",
    "run.validation": "اعتبارسنجی، پس از هر دوره",
    "run.same_terms": "این‌ها در سراسر این اجرا عددهای یکسان دارند و در یک قاب آمده‌اند: {terms}.",
    "run.above": "گام‌های نخست، تا {top:.4g}، بالای قاب‌اند.",
    "run.below": "گام‌های نخست، تا {bottom:.4g}، زیر قاب‌اند.",
    "run.outside": "گام‌های نخست، از {bottom:.4g} تا {top:.4g}، از قاب بیرون می‌زنند.",
    "run.curve_alt": "{term} بر حسب {axis}.",
    "run.curve_alt_training": "آموزش از {first:.4g} به {last:.4g} می‌رسد.",
    "run.curve_alt_validation": "اعتبارسنجی از {first:.4g} به {last:.4g} می‌رسد؛ کمترین آن {lowest:.4g} است.",
    "run.curves_numbers": "اعتبارسنجی به عدد، دوره به دوره",
    "run.terms_numbers": "$log p(x)$ (یک کران پایین)، شکاف و واگرایی‌ها در پیش‌نماها، روی {n} تصویر اعتبارسنجی",
    "run.variety_numbers": "فاصلهٔ تصویرها از میانگینشان در پیش‌نماها، {n} تصویر ساختگی و به همان تعداد از اعتبارسنجی",
    "run.trend_falling": "در {n} دورهٔ پایانی، {term} اعتبارسنجی در هر دوره ${by:.2g} ± {error:.1g}$ {unit} پایین رفت (شیب کمترین "
    "مربعات ± خطای معیار آن): وقتی آموزش به پایان رسید هنوز رو به کاهش بود.",
    "run.trend_rising": "در {n} دورهٔ پایانی، {term} اعتبارسنجی در هر دوره ${by:.2g} ± {error:.1g}$ {unit} بالا رفت (شیب کمترین "
    "مربعات ± خطای معیار آن): آموزش از بهترین نقطهٔ خود گذشت.",
    "run.trend_level": "در {n} دورهٔ پایانی، شیب {term} اعتبارسنجی در هر دوره ${slope:.2g} ± {error:.1g}$ {unit} است (کمترین مربعات ± "
    "خطای معیار): از میان نوسان‌هایش روندی بیرون نمی‌زند.",
    "run.best_last": "کمترین {term} اعتبارسنجی، {best:.5g} {unit}، از آنِ دورهٔ آخر است.",
    "run.best_earlier": "کمترین {term} اعتبارسنجی در دورهٔ {epoch} بود ({best:.5g} {unit})؛ دورهٔ آخر {above:.2g} بالای آن است.",
    "run.gap_above": "در دورهٔ {epoch} میانگین آموزش {train:.5g} {unit} و اعتبارسنجی پس از آن {validation:.5g} است: {gap:.2f} بالاتر، "
    "بیش از دو برابرِ آنچه انتخاب تصویرهای اعتبارسنجی جابه‌جایش می‌کند (خطای معیار {error:.2f}).",
    "run.gap_below": "در دورهٔ {epoch} میانگین آموزش {train:.5g} {unit} و اعتبارسنجی پس از آن {validation:.5g} است: {gap:.2f} پایین‌تر، "
    "بیش از دو برابرِ آنچه انتخاب تصویرهای اعتبارسنجی جابه‌جایش می‌کند (خطای معیار {error:.2f}). میانگین آموزش وقتی گرفته می‌شود که "
    "وزن‌ها هنوز حرکت می‌کنند و با دسته‌های خودش نرمال می‌شود؛ اعتبارسنجی هیچ‌یک از این دو را ندارد.",
    "run.gap_none": "در دورهٔ {epoch} میانگین آموزش {train:.5g} {unit} و اعتبارسنجی پس از آن {validation:.5g} است. تنها انتخاب "
    "تصویرهای اعتبارسنجی آن را با خطای معیار {error:.2f} جابه‌جا می‌کند، پس اختلاف {gap:.2f} را نمی‌توان از صفر تشخیص داد.",
    "run.gap_plain": "در دورهٔ {epoch} میانگین آموزش {train:.5g} {unit} و اعتبارسنجی پس از آن {validation:.5g} است.",
    "run.gap_opening": "تفاضل اعتبارسنجی و آموزش در {n} دورهٔ پایانی، در هر دوره ${slope:.2g} ± {error:.1g}$ {unit} بزرگ‌تر شد: شکاف "
    "رو به باز شدن است و آنچه هنوز آموخته می‌شود بیشتر به کار تصویرهای آموزش می‌آید تا تصویرهای تازه.",
    "run.shares": "از {total:.1f} نات که هر تصویر هزینه دارد (بخش {split})، {share:.1f} درصد بازسازی است. {kl:.1f} نات دیگر، برابر "
    "{bits:.1f} بیت، KL است: کد به طور میانگین بیش از این نمی‌تواند دربارهٔ تصویرش بگوید.",
    # --- Two runs side by side --------------------------------------------------------------------------------------
    "beside.title": "{second} در کنار {first}",
    "beside.fcn_more": "بنا به امتیاز FCN، تصویرهای دومی با برچسب‌هایشان بهتر جورند: IoU رده‌ای {second:.3f} در برابر {first:.3f} برای "
    "اولی (خطای معیار اختلاف {error:.3f}).",
    "beside.fcn_less": "بنا به امتیاز FCN، تصویرهای دومی با برچسب‌هایشان بدتر جورند: IoU رده‌ای {second:.3f} در برابر {first:.3f} برای "
    "اولی (خطای معیار اختلاف {error:.3f}).",
    "beside.fcn_alike": "بنا به امتیاز FCN، هر دو به یک اندازه با برچسب‌هایشان جورند: IoU رده‌ای {second:.3f} و {first:.3f}، اختلافی کمتر "
    "از دو خطای معیار ({error:.3f}).",
    "beside.table": "عددهایی که هر دو دارند",
    "beside.samples_less": "نمونه‌های دومی به تصویرهای آزمون نزدیک‌ترند: {term} برابر {second:.4g}، و برای اولی {first:.4g} (خطای معیار "
    "اختلاف {error:.2g}).",
    "beside.samples_more": "نمونه‌های دومی از تصویرهای آزمون دورترند: {term} برابر {second:.4g}، و برای اولی {first:.4g} (خطای معیار "
    "اختلاف {error:.2g}).",
    "beside.samples_alike": "نمونه‌های هر دو به یک اندازه به تصویرهای آزمون نزدیک‌اند: {term} برابر {second:.4g} و {first:.4g}، که خطای "
    "معیار {error:.2g} آن‌ها را از هم جدا نمی‌کند.",
    "beside.detail_less": "پیکسل‌های همسایه در نمونه‌های دومی به اندازهٔ {second:.3f} بازهٔ خاکستری اختلاف دارند (جذر میانگین مربعات) و در "
    "اولی {first:.3f}: نمونه‌های دومی نرم‌ترند.",
    "beside.detail_more": "پیکسل‌های همسایه در نمونه‌های دومی به اندازهٔ {second:.3f} بازهٔ خاکستری اختلاف دارند (جذر میانگین مربعات) و در "
    "اولی {first:.3f}: نمونه‌های دومی تیزترند.",
    "beside.detail_alike": "پیکسل‌های همسایه در نمونه‌های دومی به اندازهٔ {second:.3f} بازهٔ خاکستری اختلاف دارند (جذر میانگین مربعات) و در "
    "اولی {first:.3f}، که دو خطای معیار آن‌ها را از هم جدا نمی‌کند.",
    "beside.clusters_more": "مؤلفه‌های پیشینِ دومی رده‌ها را بهتر از k-means روی کدهای اولی می‌یابند: دقت {second:.3f} در برابر {first:.3f} "
    "(خطای معیار اختلاف {error:.3f}).",
    "beside.clusters_less": "مؤلفه‌های پیشینِ دومی رده‌ها را بدتر از k-means روی کدهای اولی می‌یابند: دقت {second:.3f} در برابر {first:.3f} "
    "(خطای معیار اختلاف {error:.3f}).",
    "beside.clusters_alike": "مؤلفه‌های پیشینِ دومی رده‌ها را به همان خوبیِ k-means روی کدهای اولی می‌یابند: دقت {second:.3f} و {first:.3f}، "
    "که خطای معیار {error:.3f} آن‌ها را از هم جدا نمی‌کند.",
    # --- A run: pictures --------------------------------------------------------------------------------------------
    "run.pictures": "تصویرهای آزمون، بازسازی آن‌ها، و نمونه‌هایی از نوفه",
    "run.originals": "اصل‌ها",
    "run.originals_alt": "{n} تصویر آزمون در سطرهای ده‌تایی",
    "run.originals_caption": "{n} تصویر نخست آزمون.",
    "run.reconstructions": "بازسازی‌ها",
    "run.reconstructions_alt": "بازسازی همان {n} تصویر آزمون، در همان جاها",
    "run.reconstructions_caption": "همان تصویرها، رمزگذاری و رمزگشایی‌شده.",
    "run.reconstructions_over": "نشانگر را روی برگه ببرید یا آن را لمس کنید تا اصل‌ها را در جای خود ببینید.",
    "run.samples": "نمونه‌ها",
    "run.samples_alt": "{n} تصویر ساخته‌شده از نوفهٔ تصادفی، در سطرهای ده‌تایی",
    "run.samples_caption": "ساخته‌شده از نوفه‌ای که از پیشین کشیده شده است.",
    "run.blur_softer": "پیکسل‌های همسایه در اصل‌ها به اندازهٔ {originals:.3f} بازهٔ خاکستری اختلاف دارند (جذر میانگین مربعات) و در "
    "بازسازی‌ها {reconstructions:.3f}، یعنی {kept:.0f} درصد آن: این لبه‌های نرم‌تر همان تاری است. رمزگشا میانگین $p(x|z)$ را می‌دهد و "
    "هرچه کد نامعین بگذارد در میانگین محو می‌شود.",
    "run.blur_none": "پیکسل‌های همسایه در اصل‌ها به اندازهٔ {originals:.3f} بازهٔ خاکستری اختلاف دارند (جذر میانگین مربعات) و در "
    "بازسازی‌ها {reconstructions:.3f}، یعنی {kept:.0f} درصد آن: با این سنجه تار نشده‌اند.",
    "run.samples_softer": "در نمونه‌ها این اختلاف {samples:.3f} است ({kept:.0f} درصد)، بیش از دو خطای معیار کمتر از بازسازی‌ها. رمزگشا "
    "همان است؛ کدهایش به جای تصویر از پیشین می‌آید.",
    "run.samples_harder": "در نمونه‌ها این اختلاف {samples:.3f} است ({kept:.0f} درصد)، بیش از دو خطای معیار بیشتر از بازسازی‌ها. رمزگشا "
    "همان است؛ کدهایش به جای تصویر از پیشین می‌آید.",
    "run.samples_alike": "در نمونه‌ها این اختلاف {samples:.3f} است ({kept:.0f} درصد)، که دو خطای معیار آن را از بازسازی‌ها جدا نمی‌کند: با "
    "این سنجه نمونه‌ها نه نرم‌ترند و نه تیزتر.",
    "run.classes": "تصویرهای هر رده",
    "run.classes_alt": "ده تصویر ساخته‌شده از نوفه برای هر رده، هر رده در یک سطر",
    "run.classes_caption": "هر سطر: ده تصویر از یک رده، به ترتیب رده‌ها؛ هر ستون: نوفهٔ یکسان.",
    "run.components": "مؤلفه‌ها",
    "run.components_alt": "ده تصویر رمزگشایی‌شده از هر مؤلفهٔ پیشین، هر مؤلفه در یک سطر",
    "run.components_caption": "هر سطر: ده تصویر رمزگشایی‌شده از یک مؤلفهٔ پیشین.",
    "run.pixel_error": "به طور میانگین روی بخش آزمون، هر پیکسلِ بازسازی به اندازهٔ {mae:.3f} بازهٔ خاکستری خطا دارد.",
    "run.interpolation": "از تصویری به تصویر دیگر در فضای نهان",
    "run.interpolation_alt": "سطرهایی از تصویر که هرکدام گام به گام از بازسازی یک تصویر آزمون به بازسازی دیگری می‌رود",
    "run.interpolation_caption": "هر سطر از یک تصویر آزمون روی خط راست میان دو کد به تصویر دیگر می‌رود. هر دو سر بازسازی‌اند.",
    "run.traversal": "هر واحد نهان چه می‌کند",
    "run.traversal_alt": "یک سطر برای هر واحد نهان فعال: همان تصویر، با آن واحد از کم تا زیاد",
    "run.traversal_caption": "یک سطر برای هر واحد فعال، فعال‌ترین در بالا: کد یک تصویر که تنها همان واحدش از $−۳$ تا ۳ انحراف معیارِ "
    "پیشین جابه‌جا شده است.",
    "run.traversal_none": "هیچ واحدی فعال نیست، پس چیزی برای جابه‌جا کردن نیست.",
    "run.units_x": "بعد نهان، به ترتیب نزولی",
    "run.units_y": "میانگین KL، نات",
    "run.units_active": "فعال",
    "run.units_idle": "بیکار",
    "run.units_alt": "میانگین KL هر یک از {n} بعد نهان به ترتیب نزولی، از {top:.3g} تا {bottom:.2g} نات؛ {active} بعد فعال است",
    "run.units_caption": "هزینهٔ هر بعدِ کد، به طور میانگین روی تصویرهای آزمون.",
    "run.active_some": "{active} بعد از {total} بعد نهان فعال است: واریانس میانگینِ پسینشان روی تصویرهای آزمون از {threshold:g} بیشتر "
    "است. {idle} بعد دیگر روی هم {kl_idle:.2g} نات از {kl:.3g} نات را می‌برند: پسینشان با پیشین تقریباً فرقی ندارد، پس بیش از این چیزی "
    "به رمزگشا نمی‌گویند.",
    "run.active_all": "هر {total} بعد نهان فعال است: واریانس میانگینِ پسینشان روی تصویرهای آزمون از {threshold:g} بیشتر است و در کم‌فعال‌ترین "
    "آن‌ها {least:.2g}. هیچ‌یک بیکار نمانده است.",
    "run.active_none": "هیچ‌یک از {total} بعد نهان فعال نیست (واریانس میانگین پسین بیشتر از {threshold:g}): پسین روی پیشین فروپاشیده است.",
    "run.active_clear": "این شمار به آستانه بستگی ندارد: هیچ واریانسی میان {low:.2g} و {high:.2g} نیست.",
    "run.active_unclear": "این شمار به آستانه بستگی دارد: نزدیک‌ترین واریانس‌ها به آن {low:.2g} و {high:.2g} است.",
    "run.previews": "همان تصویرها در طول آموزش",
    "run.previews_alt": "نواری از تصویرها پس از دورهٔ {epoch}، که متن بالا سطرهایش را نام می‌برد",
    "run.previews_caption": "دورهٔ {epoch}",
    "run.previews_rows_vae": "هر نوار: تصویرهای اعتبارسنجی، بازسازی آن‌ها، و نمونه‌هایی که همه‌جا از یک نوفه‌اند.",
    "run.previews_rows_cyclegan": "هر تصویر: سه ورودی اعتبارسنجی، آنچه از آن‌ها ساخته شد، و راه برگشت؛ در پایین، سه تصویر از سوی دیگر به "
    "همین شیوه.",
    "run.previews_rows_gan": "هر نوار: تصویرهای اعتبارسنجی، و زیر آن‌ها آنچه از نوفه ساخته شد، همه‌جا از یک نوفه.",
    "run.previews_rows_cgan": "هر نوار: یک سطر تصویر برای هر رده (حداکثر ده رده)، همه‌جا از یک نوفه؛ نوفهٔ هر ستون یکسان است.",
    "run.previews_rows_segmenter": "هر تصویر: عکس‌های اعتبارسنجی، همه‌جا همان‌ها؛ زیر هر یک نقشهٔ برچسب آن، و زیر آن، آنچه قطعه‌بند از هر پیکسل می‌گوید.",
    "run.previews_left_out": "نوارهای پوشهٔ samples/ که نشان داده نشده‌اند: {n}.",
    "run.previews_missing": "نخستین نوار در دورهٔ {epoch} کشیده می‌شود.",
    "run.previews_none": "پوشهٔ samples/ خالی است: پیش‌نماها از تصویرهای اعتبارسنجی‌اند، آنجا که کنار گذاشته شده باشند.",
    "run.triplets": "آنچه داده شد، آنچه از آن ساخته شد، و تصویر واقعی",
    "run.triplets_alt": "سه‌تایی‌های بخش آزمون: ورودی، ساختگی، واقعی",
    "run.triplets_caption": "تصویرهای آزمون که مدل هرگز ندیده است، دو سه‌تایی در هر سطر: از چپ به راست آنچه داده شد، آنچه ساخته شد، و "
    "آنچه واقعی است.",
    "run.cycle": "رفت و برگشت",
    "run.cycle_alt": "شش ستون: ورودی، ساختگی، برگشت؛ تصویر، ورودی ساخته‌شده از آن، برگشت",
    "run.cycle_caption": "هر سطر از چپ به راست: یک ورودی، آنچه از آن ساخته شد، و راه برگشت؛ سپس یک تصویر، ورودی ساخته‌شده از آن، و راه "
    "برگشت.",
    "run.variety": "یک ورودی، خروجی‌های بسیار",
    "run.variety_alt": "هر سطر: یک ورودی، سپس خروجی‌های آن با نوفه‌های گوناگون",
    "run.variety_caption": "هر سطر از چپ به راست: آنچه داده شد، سپس آنچه از آن ساخته شد، هر بار با dropout تازه.",
    "run.variety_share": "خروجی‌های یک ورودی به اندازهٔ {spread:.4f} بازهٔ خاکستری از میانگین خود فاصله دارند، {share:.1f} درصدِ "
    "{l1:.4f} که یک خروجی با تصویر واقعی فاصله دارد: dropout همین اندازه تنوع می‌دهد.",
    "run.previews_rows_pix2pix": "هر تصویر: سه زوج اعتبارسنجی، همه‌جا همان‌ها: بالا آنچه داده شد، میانه آنچه از آن ساخته شد، پایین تصویر "
    "واقعی.",
    "run.players": "از دورهٔ {first} تا {last} زیان تمایزگر (میانگین واقعی و ساختگی) از {d_first:.3f} به {d_last:.3f} و سهم مولد از بازی از "
    "{g_first:.3f} به {g_last:.3f} رسید؛ تمایزگر در پایان در {accuracy_last:.0%} موارد درست می‌گفت.",
    "run.players_once": "در دورهٔ {last} زیان تمایزگر (میانگین واقعی و ساختگی) {d_last:.3f} و سهم مولد از بازی {g_last:.3f} بود؛ "
    "تمایزگر در {accuracy_last:.0%} موارد درست می‌گفت.",
    "run.players_ahead": "زیان تمایزگر از {d_first:.3f} در دورهٔ {first} به {d_last:.3f} در دورهٔ {last} رسید، زیر {coin:.3f} که زیان "
    "تمایزگری است که واقعی را از ساختگی تشخیص نمی‌دهد، و در {accuracy_last:.0%} موارد درست می‌گفت: از مولد جلو است؛ سهم مولد از بازی از "
    "{g_first:.3f} به {g_last:.3f} رسید.",
    "run.players_even": "زیان تمایزگر از {d_first:.3f} در دورهٔ {first} به {d_last:.3f} در دورهٔ {last} رسید، نزدیک {coin:.3f} که زیان "
    "تمایزگری است که واقعی را از ساختگی تشخیص نمی‌دهد (در {accuracy_last:.0%} موارد درست می‌گفت): هیچ‌یک از دو بازیکن از دیگری جا نمانده "
    "است. سهم مولد از بازی از {g_first:.3f} به {g_last:.3f} رسید.",
    "run.players_l1": "جملهٔ L1 به اندازهٔ {fell:.0f} درصد کاهش یافت: از {l1_first:.4f} در دورهٔ {first} به {l1_last:.4f} در دورهٔ {last}.",
    "run.fcn": "امتیاز FCN روی {n:,} تصویر: IoU رده‌ای روی تصویرهای ساختگی {made:.3f}، روی تصویرهای واقعی {real:.3f} (سقف) و روی تصویر "
    "خاکستری یکنواخت {grey:.3f} (کف)؛ ساختگی‌ها به {share:.0f} درصد سقف می‌رسند.",
    # --- A run: numbers and options ---------------------------------------------------------------------------------
    "run.numbers": "عددها",
    "run.metric": "سنجه",
    "run.value": "مقدار",
    "run.unit": "یکا",
    "run.n": "تصویرها",
    "run.protocol": "چگونه اندازه گرفته شد",
    "run.uncertainty": "پس از ±: خطای معیار میانگین روی تصویرها.",
    "run.tightness": "با {samples:,} نمونه برای هر تصویر، کران وزن‌دارِ اهمیت {gap:.2f} نات بالای ELBO است: دست‌کم این اندازه از ELBO منفی "
    "از آن است که $q(z|x)$ پسین درست نیست.",
    "run.tightness_one": "تنها {effective:.1f} نمونه از {samples:,} نمونه‌اش به‌واقع به حساب می‌آید، پس آن کران سست است.",
    "run.not_normalised": "آنتروپی متقاطع برنولی روی پیکسل‌های خاکستری درست‌نمایی نرمال‌شده نیست. این نات‌ها مدل‌های هم‌نوع را روی همان داده "
    "رتبه‌بندی می‌کنند؛ بیتِ چیزی نیستند.",
    "run.fid": "FID نسبت به {n:,} تصویر آزمون: بازسازی‌ها {reconstructions:.1f}، نمونه‌ها {samples:.1f}، و به همان تعداد تصویر آموزش "
    "{floor:.1f} که کف است: آنچه بالای آن است از مدل است. آنچه نمونه‌ها بیش از بازسازی‌ها دارند از کدهای پیشین می‌آید و آنچه بازسازی‌ها "
    "دارند از رمزگشا.",
    "run.fd": "فاصلهٔ فرشه روی ویژگی‌های یک دسته‌بند (FD ویژهٔ این داده، نه FID) نسبت به {n:,} تصویر آزمون: بازسازی‌ها "
    "{reconstructions:.2f}، نمونه‌ها {samples:.2f}، و به همان تعداد تصویر آموزش {floor:.2f} که کف است.",
    "run.fid_samples": "FID نسبت به {n:,} تصویر آزمون: نمونه‌ها {samples:.1f}، و به همان تعداد تصویر آموزش {floor:.1f} که کف است: آنچه "
    "بالای آن است از مدل است.",
    "run.fd_samples": "فاصلهٔ فرشه روی ویژگی‌های یک دسته‌بند (FD ویژهٔ این داده، نه FID) نسبت به {n:,} تصویر آزمون: نمونه‌ها "
    "{samples:.2f}، و به همان تعداد تصویر آموزش {floor:.2f} که کف است.",
    "run.told": "از {n:,} تصویر که به نوبت برای رده‌ها ساخته شد، دسته‌بند {share:.1%} را از ردهٔ خواسته‌شده می‌داند؛ روی تصویرهای آزمون در "
    "{real:.1%} موارد درست می‌گوید.",
    "run.told_classes": "بهترین رده {best} است ({best_share:.0%}) و دشوارترین {worst} ({worst_share:.0%}).",
    "run.evaluation_missing": "بخش آزمون هنوز اندازه گرفته نشده است.",
    "run.hyperparameters": "همهٔ ابرپارامترها",
    "run.option": "گزینه",
    "run.default": "پیش‌فرض",
    "run.meaning": "چیست",
    "run.changed": "تغییرکرده",
    "run.changed_none": "هر {n} گزینه مقدار پیش‌فرض خود را دارند.",
    "run.changed_some": "برای این اجرا تنظیم و نشان‌دار شده‌اند: {changed} گزینه از {n} گزینه. بقیه مقدار پیش‌فرض دارند.",
    "run.changed_unknown": "این نسخهٔ ارژنگ برای {system} پیش‌فرضی نمی‌شناسد.",
    "run.none": "هیچ",
    "run.true": "بله",
    "run.false": "خیر",
    "run.reproduce": "برای ساختن دوبارهٔ این",
    "run.reproduce_seed": "بذر تصادفی {seed} وزن‌های نخستین، ترتیب تصویرها و نوفه را معین می‌کند.",
    "diagnosis.title": "ارژنگ: پشت یک فاصله چه هست",
    "diagnosis.of": "واکاوی: {name}",
    "diagnosis.parts": "{name} {made} از {real}: {value:.1f}، که {mean:.1f} ({share:.0%}) از آن میان میانگین‌ها (تصویرها به طور میانگین "
    "چگونه‌اند) و {covariance:.1f} میان کوواریانس‌ها (چگونه تغییر می‌کنند) است.",
    "diagnosis.classes": "بدترین رده {worst} است، با {name} برابر {worst_value:.1f} درون رده؛ بهترین {best}، با {best_value:.1f}.",
    "diagnosis.classes_by_neighbour": "با نسبت دادن هر تصویر ساختگی به ردهٔ نزدیک‌ترین تصویر واقعی‌اش، بدترین رده {worst} است، با {name} برابر "
    "{worst_value:.1f} درون رده؛ بهترین {best}، با {best_value:.1f}.",
    "diagnosis.lost": "ردهٔ {lost} در میان تصویرهای ساختگی کمیاب است: {made:.1%} از آن‌ها در برابر {real:.1%} از واقعی‌ها.",
    "diagnosis.new": "چیزی از بر شده به نظر نمی‌رسد: {share:.1%} از تصویرهای ساختگی نزدیک‌تر از {threshold:.3g} به یکی از {of} هستند، حال "
    "آنکه {expected:.0%} از تصویرهای واقعی چنین‌اند.",
    "diagnosis.copied": "شاید برخی تصویرها رونوشت باشند: {share:.1%} از تصویرهای ساختگی نزدیک‌تر از {threshold:.3g} به یکی از {of} هستند، "
    "حال آنکه {expected:.0%} از تصویرهای واقعی چنین‌اند. نزدیک‌ترین‌ها را ببینید.",
    "diagnosis.few": "با کمتر از {enough} تصویر از هرکدام نمی‌توان گفت تصویرها رونوشت‌اند یا نه: نزدیک‌ترین‌ها را ببینید.",
    "diagnosis.farthest_title": "دورترین‌ها از هر تصویر واقعی",
    "diagnosis.farthest": "دورترین تصویرهای ساختگی از {of}، هرکدام با سه نزدیک‌ترین آن‌ها در سمت راستش (فاصلهٔ {least:.3g} تا {most:.3g}).",
    "diagnosis.nearest_title": "نزدیک‌ترین‌ها به یک تصویر آموزش",
    "diagnosis.nearest": "نزدیک‌ترین تصویرهای ساختگی به {of}، هرکدام با سه نزدیک‌ترین آن‌ها در سمت راستش (فاصلهٔ {least:.3g} تا {most:.3g}).",
    "diagnosis.by_class": "به تفکیک رده",
    "diagnosis.column_class": "رده",
    "diagnosis.column_real": "تصویرهای واقعی",
    "diagnosis.column_made": "تصویرهای ساختگی",
    "diagnosis.column_distance": "فاصلهٔ درون رده",
    "run.picture_missing": "هنوز آنجا نیست: {file}.",
    "run.picture_broken": "آسیب دیده است و نشان داده نمی‌شود: {file}.",
}
